package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/ocirun/ocirun/libcontainer"
)

func TestValidate(t *testing.T) {
	warning := libcontainer.Finding{Pointer: "/ociVersion", Line: 1, Column: 2, Warning: true, Message: "it is missing", Reference: "config.md#specification-version"}
	wrong := libcontainer.Finding{Line: 3, Column: 4, Message: "it is wrong"}
	for _, c := range []struct {
		args     string
		findings []libcontainer.Finding
		code     int
		out, err string
	}{
		{"validate -b /b", nil, 0, "/b/config.json: valid\n", ""},
		{
			"validate --bundle /b",
			[]libcontainer.Finding{warning},
			0,
			"/b/config.json:1:2: warning: /ociVersion: it is missing [config.md#specification-version]\n/b/config.json: valid\n", "",
		},
		{
			"validate -b /b --strict",
			[]libcontainer.Finding{warning},
			1,
			"/b/config.json:1:2: error: /ociVersion: it is missing [config.md#specification-version]\n", "/b/config.json has an error",
		},
		{
			"validate -b /b",
			[]libcontainer.Finding{warning, wrong, wrong},
			1,
			"/b/config.json:1:2: warning: /ociVersion: it is missing [config.md#specification-version]\n" +
				"/b/config.json:3:4: error: it is wrong\n/b/config.json:3:4: error: it is wrong\n", "/b/config.json has 2 errors",
		},
		{
			"validate -b /b -f json",
			[]libcontainer.Finding{wrong},
			1,
			"{\n  \"file\": \"/b/config.json\",\n  \"valid\": false,\n  \"findings\": [\n    {\n      \"pointer\": \"\",\n      \"line\": 3,\n" +
				"      \"column\": 4,\n      \"warning\": false,\n      \"message\": \"it is wrong\"\n    }\n  ]\n}\n", "/b/config.json has an error",
		},
		{"validate -b /b --format json", nil, 0, "{\n  \"file\": \"/b/config.json\",\n  \"valid\": true,\n  \"findings\": []\n}\n", ""},
		{"validate -f yaml", nil, 1, "", "invalid format option"},
	} {
		t.Run(c.args, func(t *testing.T) {
			call := newCall(t)
			call.fake.findings = append(call.fake.findings, c.findings...)
			if code := call.run(strings.Fields(c.args)...); code != c.code || call.out.String() != c.out {
				t.Errorf("exit %d, output %q", code, call.out.String())
			}
			if c.err != "" && call.message(t) != c.err {
				t.Errorf("message %q", call.message(t))
			}
		})
	}
	call := newCall(t)
	call.fake.err = errors.New("cannot be read")
	if code := call.run("validate"); code != 1 || call.message(t) != "cannot be read" {
		t.Errorf("exit %d, message %q", code, call.message(t))
	}
}
