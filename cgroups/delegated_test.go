package cgroups

import "testing"

func TestCommonAncestor(t *testing.T) {
	for _, c := range [][3]string{
		{"/", "/x", "/"},
		{"/a", "/a/b", "/a"},
		{"/a/b", "/a/b", "/a/b"},
		{"/a/b", "/a/bc", "/a"},
		{"/user/1/init", "/user/1/web", "/user/1"},
		{"/a", "/b", "/"},
		{"/ab", "/a", "/"},
	} {
		if got := commonAncestor(c[0], c[1]); got != c[2] {
			t.Errorf("commonAncestor(%q, %q) = %q, want %q", c[0], c[1], got, c[2])
		}
		if got := commonAncestor(c[1], c[0]); got != c[2] {
			t.Errorf("commonAncestor(%q, %q) = %q, want %q", c[1], c[0], got, c[2])
		}
	}
}
