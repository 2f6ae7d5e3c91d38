package plan

// Point is a rendezvous of init and runtime.
type Point string

// The rendezvous, in the order in which they can occur.
const (
	// PointResctrl: the process waits for its class of service.
	PointResctrl Point = "resctrl"
	// PointUnit: the process waits to be moved into the unit of systemd that it is the
	// first process of.
	PointUnit Point = "unit"
	// PointIDMaps: the user namespace exists and waits for its id maps.
	PointIDMaps Point = "id-maps"
	// PointNetDevices: the network namespace exists and gets devices of the host.
	PointNetDevices Point = "net-devices"
	// PointPlaced: the init waits until its cgroup is complete.
	PointPlaced Point = "placed"
	// PointHooks: the mounts are made; the host's hooks are run.
	PointHooks Point = "hooks"
	// PointReady: the container is created; nothing but the start is missing.
	PointReady Point = "ready"
)

// Rendezvous stops the init until the runtime has done its part.
type Rendezvous struct {
	Point Point
}

// Lane is Wait.
func (Rendezvous) Lane() Lane { return Wait }

// Name is "rendezvous".
func (Rendezvous) Name() string { return "rendezvous" }

// Action describes the step.
func (s Rendezvous) Action() string {
	switch s.Point {
	case PointResctrl:
		return "wait for the class of service"
	case PointUnit:
		return "wait for systemd to start the unit"
	case PointIDMaps:
		return "wait for the id maps"
	case PointNetDevices:
		return "wait for the network devices"
	case PointPlaced:
		return "wait for the cgroup to be complete"
	case PointHooks:
		return "wait for the hooks of the host"
	case PointReady:
		return "report that the container is created"
	}
	return "wait"
}

// Detail is empty.
func (Rendezvous) Detail() string { return "" }

// Gate makes the created container wait for its start: the init listens on a
// socket of the state directory until the start command connects.
type Gate struct{}

// Lane is Wait.
func (Gate) Lane() Lane { return Wait }

// Name is "gate".
func (Gate) Name() string { return "gate" }

// Action describes the step.
func (Gate) Action() string { return "wait for start" }

// Detail is empty.
func (Gate) Detail() string { return "" }
