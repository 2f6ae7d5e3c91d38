package cgroups

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// payload is what runs inside a container's cgroup.
func payload(name string, args []string) int {
	switch name {
	case "sleep":
		time.Sleep(30 * time.Second)
	case "cgroup":
		text, _ := os.ReadFile("/proc/self/cgroup")
		fmt.Print(string(text))
	case "memory":
		return eat(args[0])
	case "memory-hold":
		eat(args[0])
		time.Sleep(30 * time.Second)
	case "spin":
		return spin()
	case "fork":
		return fork(args[0])
	case "sleepers":
		return exitCode(unix.Exec("/bin/sh", []string{"sh", "-c", `i=0; while [ $i != $0 ]; do sleep 120 & i=$((i+1)); done; wait`, args[0]}, nil))
	case "bomb":
		return bomb(args[0])
	case "affinity":
		var set unix.CPUSet
		if err := unix.SchedGetaffinity(0, &set); err != nil {
			return 1
		}
		fmt.Print(set.Count())
	case "open":
		return openAll(args)
	case "open-forever":
		return openForever(args[0], args[1:])
	case "write":
		return writeDirect(args[0])
	case "hugepages":
		return mapHuge(args[0])
	case "rootless":
		return rootlessPayload(args[0])
	case "budget":
		return budgetPayload(args[0])
	case "count":
		for i := 0; ; i++ { // visible progress
			_ = os.WriteFile(args[0], []byte(strconv.Itoa(i)), 0o600)
			time.Sleep(time.Millisecond)
		}
	default:
		return 99
	}
	return 0
}

// held keeps memory from the garbage collector.
var held []byte

// eat uses memory, page by page.
func eat(mib string) int {
	n, _ := strconv.Atoi(mib)
	data := make([]byte, n<<20)
	held = data
	for i := 0; i < len(data); i += 4096 {
		data[i] = 1
	}
	fmt.Print("ate ", n)
	return 0
}

// spin burns processor time for a second and tells how much it got, in milliseconds.
func spin() int {
	end := time.Now().Add(time.Second)
	for time.Now().Before(end) {
	}
	var ru unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &ru)
	fmt.Print((ru.Utime.Nano() + ru.Stime.Nano()) / 1e6)
	return 0
}

// fork starts processes until it cannot, and tells how many there were and why.
func fork(limit string) int {
	n, _ := strconv.Atoi(limit)
	for i := range n {
		cmd := exec.Command("/bin/sleep", "5")
		if err := cmd.Start(); err != nil {
			fmt.Print(i, " ", errors.Is(err, unix.EAGAIN))
			return 0
		}
		defer cmd.Process.Kill()
	}
	fmt.Print(n, " false")
	return 0
}

// bomb becomes a tree of shells of a depth, with a sleep beside each; the leaves fork without end. However long it is left
// alone, it never has more than four processes for each leaf.
func bomb(depth string) int {
	const script = `b() {
		if [ $1 = 0 ]; then while :; do /bin/true; done; fi
		b $(($1-1)) & b $(($1-1)) & sleep 120
	}; b ` + "$0"
	return exitCode(exec.Command("/bin/sh", "-c", script, depth).Run())
}

func exitCode(err error) int {
	if err != nil {
		return 1
	}
	return 0
}

// openAll opens files for reading and writing and prints the errors.
func openAll(names []string) int {
	var out []string
	for _, name := range names {
		fd, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
		if err == nil {
			unix.Close(fd)
			out = append(out, "ok")
		} else {
			out = append(out, err.Error())
		}
	}
	fmt.Print(strings.Join(out, ","))
	return 0
}

// openForever opens files again and again until SIGTERM, and fails at the first refusal. It makes a file when it is
// ready for the signal.
func openForever(ready string, names []string) int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGTERM)
	_ = os.WriteFile(ready, nil, 0o600)
	for n := 0; ; n++ {
		select {
		case <-stop:
			fmt.Print("opened ", n)
			return 0
		default:
		}
		for _, name := range names {
			fd, err := unix.Open(name, unix.O_RDWR, 0)
			if err != nil {
				fmt.Print(name, err)
				return 1
			}
			unix.Close(fd)
		}
	}
}

// mapHuge maps huge pages of two MiB, one by one, and tells how many it got and why no more.
func mapHuge(pages string) int {
	n, _ := strconv.Atoi(pages)
	for i := range n {
		data, err := unix.Mmap(-1, 0, 2<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_HUGETLB|21<<unix.MAP_HUGE_SHIFT)
		if err != nil {
			fmt.Print(i, " ", err)
			return 0
		}
		data[0] = 1
	}
	fmt.Print(n)
	return 0
}

// writeDirect writes two MiB past the page cache and tells how long it took, in milliseconds.
func writeDirect(name string) int {
	fd, err := unix.Open(name, unix.O_WRONLY|unix.O_CREAT|unix.O_DIRECT, 0o600)
	if err != nil {
		fmt.Print(err)
		return 2
	}
	// A mapping is aligned as direct writes want it.
	data, err := unix.Mmap(-1, 0, 256<<10, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		fmt.Print(err)
		return 2
	}
	begin := time.Now()
	for range 8 {
		if _, err := unix.Write(fd, data); err != nil {
			fmt.Print(err)
			return 2
		}
	}
	fmt.Print(time.Since(begin).Milliseconds())
	return 0
}
