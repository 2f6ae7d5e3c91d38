package libcontainer

// Trace records the time of every step.
type Trace struct{}
