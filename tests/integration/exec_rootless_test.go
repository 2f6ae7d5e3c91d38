package integration

import (
	"strings"
	"testing"
)

// An ordinary user goes into a container of their own, by the rights that owning
// its user namespace gives: also before it is started, when its init hides.
func TestExecRootless(t *testing.T) {
	s := begin(t)
	u := s.ordinaryUser(sh("echo up; sleep 100"))
	id := s.id()
	r := u.call("create", "-b", u.dir, id).ok()
	u.call("start", id).ok()
	r.waitFor("up\n")
	out := u.call("exec", id, "sh", "-c", "id -u; id -g; echo $HOME; hostname; echo x >/dev/null && echo fine").ok().out
	equal(s, "output", strings.Join(strings.Fields(out), " "), "0 0 /root "+suite.kind+" fine")
	u.call("exec", id, "sh", "-c", "exit 7").exits(7)
	u.call("delete", "--force", id).ok()
}

func TestExecRootlessCreated(t *testing.T) {
	s := begin(t)
	u := s.ordinaryUser()
	id := s.id()
	u.call("create", "-b", u.dir, id).ok()
	equal(s, "output", u.call("exec", id, "id", "-u").ok().out, "0\n")
	u.call("delete", "--force", id).ok()
}
