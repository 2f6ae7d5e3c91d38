package specconv

import (
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestHomeLookup(t *testing.T) {
	passwd := "etc/passwd=root:x:0:0:root:/root:/bin/sh\n"
	tmpfs := specs.Mount{Type: "tmpfs", Destination: "/etc"}
	for _, test := range []struct {
		name   string
		tree   []string
		mounts []specs.Mount
		want   string
	}{
		{name: "in the root", tree: []string{"rootfs/" + passwd}, want: "/root"},
		{name: "no file", want: "/"},
		{name: "no entry", tree: []string{"rootfs/etc/passwd=user:x:5:5::/u:\n"}, want: "/"},
		{name: "link inside", tree: []string{"rootfs/etc/passwd -> ../x/p", "rootfs/x/p=root:x:0:0::/inside:"}, want: "/inside"},
		{name: "absolute link stays inside", tree: []string{"rootfs/etc/passwd -> /x/p", "rootfs/x/p=root:x:0:0::/inside:"}, want: "/inside"},
		{name: "link to the outside", tree: []string{"rootfs/etc/passwd -> ../../secret", "secret=root:x:0:0::/outside:"}, want: "/"},
		{name: "directory is a link to the outside", tree: []string{"rootfs/etc -> TOP/etc", passwd}, want: "/"},
		{name: "FIFO", tree: []string{"rootfs/etc/passwd|"}, want: "/"},
		{name: "directory", tree: []string{"rootfs/etc/passwd/"}, want: "/"},
		{name: "endless device", tree: []string{"rootfs/"}, mounts: []specs.Mount{bindOf("/dev/zero", "/etc/passwd")}, want: "/"},
		{name: "bound file", tree: []string{"rootfs/" + passwd, "p=root:x:0:0::/bound:"}, mounts: []specs.Mount{bindOf("p", "/etc/passwd")}, want: "/bound"},
		{name: "bound directory", tree: []string{"rootfs/" + passwd, "e/passwd=root:x:0:0::/bound:"}, mounts: []specs.Mount{bindOf("e", "/etc")}, want: "/bound"},
		{name: "bound directory with a link to the outside", tree: []string{"rootfs/" + passwd, "e/passwd -> ../p", "p=root:x:0:0::/outside:"}, mounts: []specs.Mount{bindOf("e", "/etc")}, want: "/"},
		{name: "the last mount counts", tree: []string{"rootfs/" + passwd, "p=root:x:0:0::/bound:"}, mounts: []specs.Mount{bindOf("p", "/etc/passwd"), tmpfs}, want: "/"},
		{name: "a file over a file system", tree: []string{"rootfs/" + passwd, "p=root:x:0:0::/bound:"}, mounts: []specs.Mount{tmpfs, bindOf("p", "/etc/passwd")}, want: "/bound"},
		{name: "a mount beside it", tree: []string{"rootfs/" + passwd, "d/"}, mounts: []specs.Mount{bindOf("d", "/etc/passwd.d"), bindOf("d", "/et")}, want: "/root"},
	} {
		t.Run(test.name, func(t *testing.T) {
			top := makeTree(t, append([]string{"rootfs/"}, test.tree...)...)
			if strings.HasPrefix(test.name, "directory is a link") {
				top = makeTree(t, test.tree...)
			}
			done := make(chan string, 1)
			go func() {
				facts, err := Inspect(bundleOf(top, "rootfs", test.mounts...))
				if err != nil {
					done <- err.Error()
					return
				}
				done <- facts.Home
			}()
			select {
			case home := <-done:
				if home != test.want {
					t.Errorf("HOME is %q, want %q", home, test.want)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("the lookup hangs")
			}
		})
	}
}

func TestHomeIsLookedUpOnlyIfItIsMissing(t *testing.T) {
	top := makeTree(t, "rootfs/etc/passwd=root:x:0:0::/root:")
	for _, test := range []struct {
		env  []string
		want string
	}{
		{nil, ""},
		{[]string{}, "/root"},
		{[]string{"A=b"}, "/root"},
		{[]string{"HOME="}, "/root"},
		{[]string{"HOME=/h"}, ""},
		{[]string{"HOME=", "HOME=/h"}, ""},
		{[]string{"HOME=/h", "HOME="}, "/root"},
		{[]string{"HOMER=x"}, "/root"},
	} {
		b := bundleOf(top, "rootfs")
		b.Spec.Process.Env = test.env
		facts, err := Inspect(b)
		if err != nil || facts.Home != test.want {
			t.Errorf("env %q: %q, %v, want %q", test.env, facts.Home, err, test.want)
		}
	}
}

func TestHomeOf(t *testing.T) {
	long := strings.Repeat("x", maxPasswdLine)
	for _, test := range []struct {
		text string
		uid  uint32
		want string
	}{
		{"root:x:0:0:root:/root:/bin/sh", 0, "/root"},
		{"a:x:5:0::/a:\nb:x:5:0::/b:\n", 5, "/a"},
		{"a:x:05:0::/a:\n", 5, "/a"},
		{"a:x:4294967295:0::/a:\n", 4294967295, "/a"},
		{"a:x:4294967296:0::/a:\n", 0, "/"},
		{"a:x:-0:0::/a:\nb:x:+0:0::/b:\nc:x: 0:0::/c:\nd:x::0::/d:\ne:x:0x0:0::/e:\n", 0, "/"},
		{"a:x:99999999999999999999999999:0::/a:\n", 0, "/"},
		{"a:x:0\n", 0, "/"},
		{"a:x:0:0::\n", 0, "/"},
		{"a:x:0:0::/a", 0, "/a"},
		{"a:x:0:0::/a\x00b:", 0, "/"},
		{"", 0, "/"},
		{"\n\n:::\n", 0, "/"},
		{"a:x:0:0:" + long + ":/long:\nb:x:0:0::/b:", 0, "/b"},
	} {
		if home := homeOf([]byte(test.text), test.uid); home != test.want {
			t.Errorf("%.60q, uid %d: %q, want %q", test.text, test.uid, home, test.want)
		}
	}
}

// Only the first part of a huge file counts, and of that only whole lines.
func TestHugePasswdFile(t *testing.T) {
	filler := strings.Repeat("u:x:7:7::/u:/bin/sh\n", maxPasswd/20+1)
	cut := filler[:maxPasswd-len("v:x:8:8::/v")] + "\nv:x:8:8::/vast:\n"
	top := makeTree(t, "rootfs/etc/passwd="+cut)
	b := bundleOf(top, "rootfs")
	for uid, want := range map[uint32]string{7: "/u", 8: "/"} {
		b.Spec.Process.User.UID = uid
		if facts, err := Inspect(b); err != nil || facts.Home != want {
			t.Errorf("uid %d: %q, %v, want %q", uid, facts.Home, err, want)
		}
	}
}

func FuzzHomeOf(f *testing.F) {
	f.Add([]byte("root:x:0:0:root:/root:/bin/sh\nu:x:1000:1000::/home/u:"), uint32(1000))
	f.Fuzz(func(t *testing.T, text []byte, uid uint32) {
		home := homeOf(text, uid)
		if home == "" || strings.ContainsAny(home, ":\n\x00") {
			t.Errorf("home %q", home)
		}
		if home != noHome && !strings.Contains(string(text), ":"+home) {
			t.Errorf("home %q is not in the text", home)
		}
	})
}
