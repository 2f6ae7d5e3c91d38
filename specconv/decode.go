package specconv

import (
	"errors"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/internal/jsonscan"
)

//go:generate go run ./internal/decodegen decode_generated.go

// errNullConfig: the document is the word null, which names no container.
var errNullConfig = errors.New("config cannot be null")

// Decode reads the text of a config.json. It gives what encoding/json gives, a
// good deal faster in a program that has just started; sections for other
// systems than Linux are skipped over. What follows the first JSON value is not
// looked at: Validate warns of it. Errors are a *SyntaxError or a *TypeError.
func Decode(raw []byte) (*specs.Spec, error) {
	spec, _, err := decodeConfig(raw)
	return spec, err
}

// decodeConfig also gives the offset behind the JSON value.
func decodeConfig(raw []byte) (spec *specs.Spec, end int, err error) {
	s := jsonscan.New(raw)
	if s.Null() {
		return nil, s.Offset(), errNullConfig
	}
	spec = new(specs.Spec)
	decodeSpec(s, spec)
	if fault, failed := s.Fault(); failed {
		return nil, 0, explainFault[specs.Spec](ConfigFile, raw, fault)
	}
	return spec, s.Offset(), nil
}

// DecodeProcess reads the text of a process of its own, as "exec --process"
// takes it. The name of the file goes into errors, which are as Decode's.
func DecodeProcess(name string, raw []byte) (*specs.Process, error) {
	process := new(specs.Process)
	s := jsonscan.New(raw)
	decodeProcess(s, process)
	if fault, failed := s.Fault(); failed {
		return nil, explainFault[specs.Process](name, raw, fault)
	}
	return process, nil
}

// DecodeResources reads the text of resource limits, as "update --resources"
// takes it. The name of the file goes into errors, which are as Decode's.
func DecodeResources(name string, raw []byte) (*specs.LinuxResources, error) {
	resources := new(specs.LinuxResources)
	s := jsonscan.New(raw)
	decodeLinuxResources(s, resources)
	if fault, failed := s.Fault(); failed {
		return nil, explainFault[specs.LinuxResources](name, raw, fault)
	}
	return resources, nil
}
