package sys

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func catch(t *testing.T) *Signals {
	t.Helper()
	s, err := CatchSignals(true)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// next waits for a signal.
func next(t *testing.T, s *Signals) (unix.Signal, int) {
	t.Helper()
	ready, err := WaitReadable(s.FD(), 5*time.Second)
	if err != nil || !ready {
		t.Fatalf("no signal came: %v", err)
	}
	sig, sender, ok := s.Next()
	if !ok {
		t.Fatal("no signal is there")
	}
	return sig, sender
}

func TestSignalsAreQueued(t *testing.T) {
	s := catch(t)
	defer s.Close()
	for sig := unix.Signal(1); sig <= lastSignal; sig++ {
		if !isCaught(sig) {
			continue
		}
		if err := unix.Kill(os.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		got, sender := next(t, s)
		if got != sig || sender != os.Getpid() {
			t.Errorf("signal %d came as %d from %d", sig, got, sender)
		}
	}
	if _, err := CatchSignals(true); err == nil {
		t.Error("signals can be caught twice")
	}
}

func TestChildSignal(t *testing.T) {
	s := catch(t)
	defer s.Close()
	if err := exec.Command("true").Run(); err != nil {
		t.Fatal(err)
	}
	if sig, sender := next(t, s); sig != unix.SIGCHLD || sender != 0 {
		t.Errorf("got %v from %d", sig, sender)
	}
}

// TestNoChildSignal: a child that nobody wants to hear of can be waited for all the same.
func TestNoChildSignal(t *testing.T) {
	s, err := CatchSignals(false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = exec.Command("sh", "-c", "exit 7").Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("the child's end: %v", err)
	}
	if err := unix.Kill(os.Getpid(), unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if sig, _ := next(t, s); sig != unix.SIGUSR1 {
		t.Errorf("%v came first", sig)
	}
}

func TestBrokenPipeIsOwn(t *testing.T) {
	s := catch(t)
	defer s.Close()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	if err := WriteAll(pipe[1], []byte("x")); !errors.Is(err, unix.EPIPE) {
		t.Fatalf("write: %v", err)
	}
	if sig, sender := next(t, s); sig != unix.SIGPIPE || sender != os.Getpid() {
		t.Errorf("got %v from %d", sig, sender)
	}
}

func TestSignalsAreGivenBack(t *testing.T) {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, unix.SIGUSR1)
	defer signal.Stop(ch)
	catch(t).Close()
	unix.Kill(os.Getpid(), unix.SIGUSR1)
	select {
	case <-ch:
	case <-time.After(5 * time.Second):
		t.Fatal("the earlier handler is not back")
	}
}

// TestSignalsUnderLoad: the handler may run on any thread at any instruction.
func TestSignalsUnderLoad(t *testing.T) {
	s := catch(t)
	defer s.Close()
	stop := make(chan struct{})
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_ = make([]byte, 1<<12)
					runtime.Gosched()
				}
			}
		})
	}
	const count = 2000
	for i := range count {
		if err := unix.Kill(os.Getpid(), unix.SIGUSR2); err != nil {
			t.Fatal(err)
		}
		if sig, _ := next(t, s); sig != unix.SIGUSR2 {
			t.Fatalf("signal %d is %v", i, sig)
		}
	}
	close(stop)
	workers.Wait()
}

// TestManySignalsAtOnce: what was blocked comes at once, more signals than handlers
// that interrupt each other would have stack for.
func TestManySignalsAtOnce(t *testing.T) {
	s := catch(t)
	defer s.Close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, before unix.Sigset_t
	all.Val[0] = ^uint64(0)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &all, &before); err != nil {
		t.Fatal(err)
	}
	sent := 0
	for sig := unix.Signal(1); sig <= lastSignal; sig++ {
		// SIGTSTP would take back SIGCONT.
		if !isCaught(sig) || sig == unix.SIGTSTP {
			continue
		}
		if err := unix.Tgkill(os.Getpid(), unix.Gettid(), sig); err != nil {
			t.Fatal(err)
		}
		sent++
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil); err != nil {
		t.Fatal(err)
	}
	came := map[unix.Signal]bool{}
	for range sent {
		sig, _ := next(t, s)
		came[sig] = true
	}
	if len(came) != sent {
		t.Errorf("%d different signals came, %d were sent", len(came), sent)
	}
}

func TestWithoutSignal(t *testing.T) {
	s := catch(t)
	defer s.Close()
	err := WithoutSignal(unix.SIGUSR1, func() error {
		if err := unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGUSR1); err != nil {
			return err
		}
		if ready, err := WaitReadable(s.FD(), 20*time.Millisecond); ready || err != nil {
			t.Errorf("the signal came through: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if sig, _ := next(t, s); sig != unix.SIGUSR1 {
		t.Errorf("got %v", sig)
	}
}
