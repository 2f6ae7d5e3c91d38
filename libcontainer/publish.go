package libcontainer

// publish tells those who asked which process the container is. A container that
// they cannot learn of is none: a failure undoes it.
func (b *builder) publish() error {
	start := b.o.Trace.begin()
	if b.o.PidFile != "" {
		if err := writePidFile(b.o.PidFile, b.pid); err != nil {
			return err
		}
	}
	if b.o.PidfdSocket != "" {
		if err := sendPidfd(b.o.PidfdSocket, pidfdInit, b.init.Pidfd); err != nil {
			return err
		}
	}
	b.o.Trace.end(start, "publish the process id")
	return nil
}

// commit makes the container what its record says: from here on it outlives the
// runtime.
func (b *builder) commit() error {
	start := b.o.Trace.begin()
	if err := b.creation.commit(!b.gated); err != nil {
		return err
	}
	if b.gated {
		if err := b.init.Answer(); err != nil {
			return b.explainEnd(err)
		}
	}
	b.o.Trace.end(start, "commit")
	return b.traceInit(b.o.Trace)
}
