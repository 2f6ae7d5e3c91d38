// Command web is a server alone in an image: no shell, no libc, no files. It shows what a container has around such
// a program.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const address = "127.0.0.1:80"

func main() {
	if len(os.Args) > 1 && os.Args[1] == "-check" {
		check()
		return
	}
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "hello from a static program") })
	http.HandleFunc("/environment", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, os.Getpid(), os.Getuid(), os.Getenv("WORD"))
	})
	server := &http.Server{Addr: ":80", ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		_ = server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("goodbye")
}

// check is the health check: a request to the server in the same network namespace.
func check() {
	client := http.Client{Timeout: 5 * time.Second}
	answer, err := client.Get("http://" + address + "/")
	if err == nil {
		err = answer.Body.Close()
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
