package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/net/websocket"
)

// The streaming server of a CRI service speaks Kubernetes' channel protocol over a web
// socket: the first byte of a message is the number of its channel.
const channels = "v4.channel.k8s.io"

const (
	channelInput = iota
	channelOutput
	channelErrors
	channelStatus
	channelResize
)

// status is what comes on the last channel when a process has ended.
type status struct {
	Status  string
	Message string
	Details struct {
		Causes []struct{ Reason, Message string }
	}
}

// stream passes standard input to a process of an Exec or Attach answer and prints its
// output; size is COLUMNSxROWS of its terminal, or empty. It exits with the status of an
// exec's process.
func stream(url, size string) error {
	conn, err := dial(url)
	if err != nil {
		return err
	}
	defer conn.Close()
	if size != "" {
		var terminal struct{ Width, Height uint16 }
		if _, err := fmt.Sscanf(size, "%dx%d", &terminal.Width, &terminal.Height); err != nil {
			return fmt.Errorf("size %q: %w", size, err)
		}
		text, err := json.Marshal(terminal)
		if err != nil {
			return err
		}
		if err := send(conn, channelResize, text); err != nil {
			return err
		}
	}
	go forwardInput(conn)
	for {
		channel, data, err := receive(conn)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case channel == channelOutput:
			_, err = os.Stdout.Write(data)
		case channel == channelErrors:
			_, err = os.Stderr.Write(data)
		case channel == channelStatus && len(data) > 0:
			return ended(data)
		}
		if err != nil {
			return err
		}
	}
}

// ended ends this process as the remote one did.
func ended(text []byte) error {
	var s status
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("status %q: %w", text, err)
	}
	if s.Status == "Success" {
		return nil
	}
	for _, cause := range s.Details.Causes {
		if code, err := strconv.Atoi(cause.Message); err == nil && cause.Reason == "ExitCode" {
			os.Exit(code)
		}
	}
	return errors.New(s.Message)
}

// forward sends standard input to a port of a pod and prints what comes back.
func forward(url, port string) error {
	conn, err := dial(url + "?port=" + port)
	if err != nil {
		return err
	}
	defer conn.Close()
	go forwardInput(conn)
	for first := [2]bool{true, true}; ; {
		channel, data, err := receive(conn)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case channel > 1:
			return fmt.Errorf("channel %d was not opened", channel)
		case first[channel]: // names the port
			first[channel] = false
		case channel == 1:
			return errors.New(string(data))
		default:
			if _, err := os.Stdout.Write(data); err != nil {
				return err
			}
		}
	}
}

func dial(url string) (*websocket.Conn, error) {
	return websocket.Dial(strings.Replace(url, "http://", "ws://", 1), channels, "http://localhost/")
}

// forwardInput ends with the connection or the input: the protocol has no word for its end.
func forwardInput(conn *websocket.Conn) {
	buffer := make([]byte, 4096)
	for {
		n, err := os.Stdin.Read(buffer)
		if n > 0 && send(conn, channelInput, buffer[:n]) != nil {
			return
		}
		if err != nil {
			return
		}
	}
}

func send(conn *websocket.Conn, channel byte, data []byte) error {
	return websocket.Message.Send(conn, append([]byte{channel}, data...))
}

func receive(conn *websocket.Conn) (byte, []byte, error) {
	var message []byte
	if err := websocket.Message.Receive(conn, &message); err != nil {
		return 0, nil, err
	}
	if len(message) == 0 {
		return 0, nil, errors.New("message without a channel")
	}
	return message[0], message[1:], nil
}
