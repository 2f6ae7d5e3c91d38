package main

// Containers that commands are added to: one per runtime, with a program that sleeps.

var sleepPayload = []string{"/bin/busybox", "sleep", "3600"}

// hold starts a container that stays, and gives its id.
func (r *runner) hold(c contender) (string, error) {
	if err := r.prepareState(c, anyCache); err != nil {
		return "", err
	}
	id := r.newID()
	args := []string{c.Path, "--root", r.stateRoot(c, anyCache), "run", "--detach", "--bundle", r.bundle(bundleExec), id}
	if _, err := r.measure(args); err != nil {
		r.discard(c, anyCache, id)
		return "", err
	}
	return id, nil
}

// timeExec measures how long "exec" of the payload takes, of runtimes alone: the floor has no such thing.
func (r *runner) timeExec() []series {
	entries := r.entries(bundleExec, []string{anyCache})
	for _, e := range entries {
		id, err := r.hold(e.contender)
		if err != nil {
			e.series.Error, e.failures = err.Error(), maxFailures
			continue
		}
		defer r.discard(e.contender, anyCache, id)
		e.command = append([]string{e.contender.Path, "--root", r.stateRoot(e.contender, anyCache), "exec", id}, truePayload...)
	}
	return r.timeEntries(entries)
}
