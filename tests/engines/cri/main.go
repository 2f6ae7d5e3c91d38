// Command cri calls one method of a container runtime interface (CRI) service, or talks
// to the address that the answer of Exec, Attach or PortForward has:
//
//	cri SOCKET METHOD [REQUEST]
//	cri stream URL [COLUMNSxROWS]
//	cri forward URL PORT
//
// METHOD is one of RuntimeService or ImageService, such as RunPodSandbox. REQUEST is the
// message in protobuf's JSON form, "-" or nothing for standard input. The answer is
// printed as JSON. It exists because tests need a client, and CRI has no other small one.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	_ "k8s.io/cri-api/pkg/apis/runtime/v1" // registers the messages and services
)

const timeout = 60 * time.Second

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cri:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) < 2 || len(args) > 3:
		return errors.New("usage: cri SOCKET METHOD [REQUEST] | cri stream URL [COLUMNSxROWS] | cri forward URL PORT")
	case args[0] == "stream":
		return stream(args[1], strings.Join(args[2:], ""))
	case args[0] == "forward":
		return forward(args[1], strings.Join(args[2:], ""))
	}
	return call(args)
}

func call(args []string) error {
	method, err := find(args[1])
	if err != nil {
		return err
	}
	request, err := read(args[2:], method.Input())
	if err != nil {
		return err
	}
	answer, err := message(method.Output())
	if err != nil {
		return err
	}
	conn, err := grpc.NewClient("unix://"+args[0], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	path := fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())
	if err := conn.Invoke(ctx, path, request, answer); err != nil {
		return err
	}
	text, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(answer)
	if err != nil {
		return err
	}
	_, err = fmt.Println(string(text))
	return err
}

// find looks the method up in both services.
func find(name string) (protoreflect.MethodDescriptor, error) {
	for _, service := range []protoreflect.FullName{"runtime.v1.RuntimeService", "runtime.v1.ImageService"} {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(service)
		if err != nil {
			return nil, err
		}
		descriptor, ok := found.(protoreflect.ServiceDescriptor)
		if !ok {
			return nil, fmt.Errorf("%s is not a service", service)
		}
		if method := descriptor.Methods().ByName(protoreflect.Name(name)); method != nil {
			return method, nil
		}
	}
	return nil, fmt.Errorf("no method %q", name)
}

// message makes an empty one of the kind described.
func message(kind protoreflect.MessageDescriptor) (proto.Message, error) {
	found, err := protoregistry.GlobalTypes.FindMessageByName(kind.FullName())
	if err != nil {
		return nil, err
	}
	return found.New().Interface(), nil
}

// read parses the request that was given, or comes on standard input.
func read(args []string, kind protoreflect.MessageDescriptor) (proto.Message, error) {
	var text []byte
	if len(args) == 1 && args[0] != "-" {
		text = []byte(args[0])
	} else {
		var err error
		if text, err = io.ReadAll(os.Stdin); err != nil {
			return nil, err
		}
	}
	request, err := message(kind)
	if err != nil {
		return nil, err
	}
	if err := protojson.Unmarshal(text, request); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	return request, nil
}
