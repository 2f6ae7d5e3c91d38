package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

// logger writes the records that callers of OCI runtimes parse. Most calls of
// the program write none, so everything but opening the file waits for the
// first one.
type logger struct {
	file      int // descriptor of --log, or -1
	path      string
	daemon    *logDaemon // instead of a file
	err       io.Writer
	json      bool
	level     logrus.Level
	isDebug   bool
	log       *logrus.Logger
	warnings  []string
	caller    runtime.Frame
	delivered int // how many of the warnings are written
}

func newLogger(standardError io.Writer) logger {
	return logger{file: -1, err: standardError, level: logrus.InfoLevel}
}

// open applies the options; the target must be writable at once.
func (l *logger) open(g *globals) error {
	switch g.logFormat {
	case "", "text":
	case "json":
		l.json = true
	default:
		return errors.New("invalid log-format: " + g.logFormat)
	}
	var err error
	if l.level, err = logLevel(g.logLevel); err != nil {
		return err
	}
	if g.debug {
		l.level = logrus.DebugLevel
	}
	l.isDebug = l.level == logrus.DebugLevel
	if g.log == "" {
		return nil
	}
	kind, rest, ok := strings.Cut(g.log, ":")
	switch {
	case ok && kind == "file":
		return l.openFile(rest)
	case ok && (kind == "journald" || kind == "syslog"):
		l.daemon, err = openLogDaemon(kind, rest)
		return err
	}
	return l.openFile(g.log)
}

// logLevel reads --log-level; that of logrus stands for none.
func logLevel(word string) (logrus.Level, error) {
	switch word {
	case "", "info":
		return logrus.InfoLevel, nil
	case "debug":
		return logrus.DebugLevel, nil
	case "warning", "warn":
		return logrus.WarnLevel, nil
	case "error":
		return logrus.ErrorLevel, nil
	}
	return logrus.InfoLevel, errors.New("invalid log-level: " + word)
}

func (l *logger) openFile(path string) error {
	flags := unix.O_WRONLY | unix.O_APPEND | unix.O_CREAT | unix.O_SYNC | unix.O_CLOEXEC
	for {
		fd, err := unix.Open(path, flags, 0o644)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return &fs.PathError{Op: "open", Path: path, Err: err}
		}
		l.file, l.path = fd, path
		return nil
	}
}

// logrus makes the writer of records.
func (l *logger) logrus() *logrus.Logger {
	if l.log != nil {
		return l.log
	}
	l.log = logrus.New()
	l.log.SetOutput(l.err)
	if l.file >= 0 {
		l.log.SetOutput(os.NewFile(uintptr(l.file), l.path))
	}
	l.log.SetLevel(l.level)
	l.log.SetReportCaller(l.isDebug)
	// The caller as logrus sees it is always this file.
	caller := func(*runtime.Frame) (function, file string) {
		return l.caller.Function, l.caller.File + ":" + strconv.Itoa(l.caller.Line)
	}
	if l.json {
		l.log.SetFormatter(&logrus.JSONFormatter{CallerPrettyfier: caller})
	} else {
		l.log.SetFormatter(&logrus.TextFormatter{CallerPrettyfier: caller})
	}
	return l.log
}

func (l *logger) write(level logrus.Level, message string) {
	if l.daemon != nil {
		if level <= l.level && l.daemon.send(level, message) != nil {
			_, _ = io.WriteString(l.err, message+"\n") // better here than nowhere
		}
		return
	}
	l.logrus().WithTime(time.Now().UTC()).Log(level, message)
}

// called remembers who called the caller of called.
func (l *logger) called() {
	if !l.isDebug {
		return
	}
	var pc [1]uintptr
	if runtime.Callers(3, pc[:]) == 1 {
		l.caller, _ = runtime.CallersFrames(pc[:]).Next()
	}
}

// debug writes a record with --debug.
func (l *logger) debug(message string) {
	if l.isDebug {
		l.called()
		l.write(logrus.DebugLevel, message)
	}
}

// warn writes a warning, once. In a file of JSON records it is held back until the
// command has succeeded: some callers read the file as a single record, the error.
func (l *logger) warn(message string) {
	if slices.Contains(l.warnings, message) {
		return
	}
	l.called()
	l.warnings = append(l.warnings, message)
	if l.file < 0 || !l.json || l.isDebug {
		l.delivered = len(l.warnings)
		l.write(logrus.WarnLevel, message)
	}
}

// flush writes the warnings that were held back.
func (l *logger) flush() {
	for _, message := range l.warnings[l.delivered:] {
		l.write(logrus.WarnLevel, message)
	}
	l.delivered = len(l.warnings)
}

// fail reports why the command failed: one record, and with --log the same as
// plain text on standard error, after the warnings that were held back.
func (l *logger) fail(message string) {
	l.called()
	l.write(logrus.ErrorLevel, message)
	if l.file < 0 && l.daemon == nil {
		return
	}
	text := ""
	for _, warning := range l.warnings[l.delivered:] {
		text += "warning: " + warning + "\n"
	}
	_, _ = io.WriteString(l.err, text+message+"\n")
}

// hint writes a line for a person after the record of an error. Programs that read the
// errors do not do so on a terminal, and find the record alone.
func (l *logger) hint(text string) {
	if _, ok := terminal(l.err); ok && text != "" {
		_, _ = io.WriteString(l.err, "hint: "+text+"\n")
	}
}
