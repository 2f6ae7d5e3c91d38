package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/ocirun/ocirun/libcontainer"
)

func TestCheckpointOptions(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	c := newCall(t)
	code := c.run("checkpoint", "--image-path", "i", "-work-path=/w", "--parent-path", "../p", "--leave-running", "--tcp-established",
		"--tcp-skip-in-flight", "--link-remap", "--ext-unix-sk", "--shell-job", "--lazy-pages", "--status-fd", "1", "--page-server", "[::1]:27",
		"--file-locks", "--pre-dump", "--manage-cgroups-mode", "full", "--empty-ns", "network", "--auto-dedup", "web")
	got := c.fake.saved
	got.Warn = nil
	want := libcontainer.CheckpointOptions{
		CRIUOptions: libcontainer.CRIUOptions{
			ImagePath: filepath.Join(wd, "i"), WorkPath: "/w", TCPEstablished: true, ExtUnixSockets: true, ShellJob: true, FileLocks: true,
			LinkRemap: true, AutoDedup: true, LazyPages: true, Cgroups: libcontainer.CgroupsFull,
		},
		ParentPath: "../p", LeaveRunning: true, PreDump: true, TCPSkipInFlight: true, StatusFD: 1, PageServer: "::1", PageServerPort: 27,
	}
	if code != 0 || c.fake.asked != "web" || !reflect.DeepEqual(got, want) {
		t.Errorf("exit %d, %q\n got %+v\nwant %+v", code, c.err.String(), got, want)
	}
}

func TestRestoreOptions(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	c := newCall(t)
	c.fake.status = 5
	code := c.run("restore", "--bundle", "b", "--console-socket", "/c", "--pid-file", "p", "-d", "-no-subreaper", "--no-pivot",
		"--tcp-close", "--lsm-profile", "selinux:x", "--lsm-mount-context", "y", "--parent-path", "../z", "--manage-cgroups-mode", "ignore", "web")
	got := c.fake.restored
	got.Warn = nil
	want := libcontainer.RestoreOptions{
		CRIUOptions: libcontainer.CRIUOptions{ImagePath: filepath.Join(wd, "checkpoint"), Cgroups: libcontainer.CgroupsIgnore},
		Bundle:      filepath.Join(wd, "b"), ConsoleSocket: "/c", PidFile: filepath.Join(wd, "p"), Detach: true, NoSubreaper: true, NoPivot: true,
		CgroupManager: got.CgroupManager, TCPClose: true, LSMProfile: "selinux:x", LSMMountContext: "y",
	}
	if code != 5 || c.fake.asked != "web" || !reflect.DeepEqual(got, want) {
		t.Errorf("exit %d, %q\n got %+v\nwant %+v", code, c.err.String(), got, want)
	}
}

func TestCheckpointRefusals(t *testing.T) {
	for flag, want := range map[string]string{
		"--manage-cgroups-mode=x": "invalid manage-cgroups-mode value: x",
		"--empty-ns=pid":          `namespace "pid" is not supported`,
		"--page-server=::1:3":     "Use --page-server ADDRESS:PORT to specify page server",
		"--page-server=a:":        "Use --page-server ADDRESS:PORT to specify page server",
		"--page-server=:3":        "Use --page-server ADDRESS:PORT to specify page server",
		"--page-server=a:70000":   "Invalid port number",
		"--status-fd=9":           "invalid --status-fd argument 9: it is not an open file descriptor",
	} {
		c := newCall(t)
		if code := c.run("checkpoint", flag, "x"); code != 1 || c.message(t) != want {
			t.Errorf("%s: exit %d, %q", flag, code, c.err.String())
		}
	}
}
