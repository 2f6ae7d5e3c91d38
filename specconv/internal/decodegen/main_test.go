package main

import (
	"bytes"
	"os"
	"reflect"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestGeneratedDecodersAreFresh(t *testing.T) {
	want, err := generate(reflect.TypeFor[specs.Spec]())
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../../decode_generated.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Error("specconv/decode_generated.go is stale: run go generate ./specconv")
	}
}

func TestUnknownKindsAreRefused(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[struct {
			A float64 `json:"a"`
		}](),
		reflect.TypeFor[struct {
			A map[int]string `json:"a"`
		}](),
		reflect.TypeFor[struct{ A string }](),
	} {
		if _, err := generate(typ); err == nil {
			t.Errorf("%s is accepted", typ)
		}
	}
}
