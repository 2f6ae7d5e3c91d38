package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

// Where the daemons listen.
var (
	journalSocket = "/run/systemd/journal/socket"
	syslogSocket  = "/dev/log"
)

// logDaemon is a connection to journald or to a syslog daemon, one datagram a record.
type logDaemon struct {
	fd      int
	journal bool
	name    string
}

// openLogDaemon connects to a daemon, which must be there. The name is what the
// records are filed under, ocirun without one.
func openLogDaemon(kind, identifier string) (*logDaemon, error) {
	if strings.ContainsAny(identifier, "\n\x00") {
		return nil, fmt.Errorf("invalid log target %s:%q", kind, identifier)
	}
	if identifier == "" {
		identifier = name
	}
	path := syslogSocket
	if kind == "journald" {
		path = journalSocket
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("log to %s: %w", kind, err)
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("log to %s: connect to %s: %w", kind, path, err)
	}
	return &logDaemon{fd: fd, journal: kind == "journald", name: identifier}, nil
}

// send sends one record.
func (d *logDaemon) send(level logrus.Level, message string) error {
	var record []byte
	if d.journal {
		record = d.journalRecord(severity(level), message)
	} else {
		record = d.syslogRecord(severity(level), message, time.Now())
	}
	for {
		err := unix.Send(d.fd, record, unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return err
		}
	}
}

// severity is the number of syslog(3).
func severity(level logrus.Level) int {
	switch level {
	case logrus.DebugLevel:
		return 7
	case logrus.InfoLevel:
		return 6
	case logrus.WarnLevel:
		return 4
	default:
		return 3
	}
}

// journalRecord has one field a line, in the protocol of systemd's "Native Journal
// Protocol". A value with a line break stands behind its length.
func (d *logDaemon) journalRecord(severity int, message string) []byte {
	record := []byte("PRIORITY=" + strconv.Itoa(severity) + "\nSYSLOG_IDENTIFIER=" + d.name + "\nMESSAGE")
	if strings.Contains(message, "\n") {
		record = append(record, '\n')
		record = binary.LittleEndian.AppendUint64(record, uint64(len(message)))
	} else {
		record = append(record, '=')
	}
	return append(append(record, message...), '\n')
}

// syslogRecord is what syslog(3) sends to the daemon of the machine (RFC 3164).
func (d *logDaemon) syslogRecord(severity int, message string, now time.Time) []byte {
	const daemon = 3 << 3
	return fmt.Appendf(nil, "<%d>%s %s[%d]: %s", daemon|severity, now.Format(time.Stamp), d.name, os.Getpid(), message)
}
