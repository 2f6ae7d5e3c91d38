package criu

// CgroupMode is what CRIU does about cgroups (criu(8), "--manage-cgroups").
type CgroupMode int64

// The values of CgroupMode.
const (
	CgroupsIgnore CgroupMode = 0
	CgroupsSoft   CgroupMode = 3
	CgroupsFull   CgroupMode = 4
	CgroupsStrict CgroupMode = 5
)

// Pair is a name in the images and what it stands for on the host.
type Pair struct{ Key, Value string }

// Inherited says that a file of the images is to become CRIU's own descriptor.
type Inherited struct {
	Key string
	FD  int
}

// Options are those of a request (message criu_opts). Descriptors are numbers of
// this process unless said otherwise.
type Options struct {
	// ImagesDir and WorkDir are directories: of the images, and of the log. They
	// are left out if not above 0.
	ImagesDir, WorkDir int
	// LogFile is a name in WorkDir.
	LogFile string
	// Root is the container's root file system.
	Root string
	// Pid is the first process of what is to be saved.
	Pid int
	// Parent is an earlier set of images, relative to ImagesDir.
	Parent string
	// ConfigFile holds options in CRIU's own syntax.
	ConfigFile string
	// FreezeCgroup is the directory of the cgroup to stand still meanwhile.
	FreezeCgroup string

	LeaveRunning, ShellJob, FileLocks, LinkRemap        bool
	ExtUnixSockets, TCPEstablished, TCPSkipInFlight     bool
	TCPClose, AutoDedup, TrackMemory, LazyPages         bool
	OrphanPtsMaster, EvasiveDevices, Sibling, Notifying bool

	CgroupMode CgroupMode
	// CgroupRoots: the controller, empty for all that are not named, and the path
	// from the root of its hierarchy.
	CgroupRoots []Pair

	// StatusFD gets a byte when lazy pages can be asked for; 0 for none.
	StatusFD int
	// PageServer gets the memory, if its port is not 0.
	PageServer PageServer
	// EmptyNamespaces are CLONE_NEW* flags: namespaces without their content.
	EmptyNamespaces uint64
	// Mounts are external: the mount point or name, and name or source.
	Mounts []Pair
	// External are other resources that the images do not hold.
	External []string
	// Inherit names descriptors of the CRIU process.
	Inherit []Inherited

	LSMProfile, LSMMountContext string
}

// PageServer is where a page server listens.
type PageServer struct {
	Address string
	Port    int
}

// encode writes the options with the field numbers of rpc.proto.
func (o *Options) encode() message {
	var m message
	m.required(1, int64(o.ImagesDir))
	m.num(2, int64(o.Pid))
	m.required(9, logDebug)
	m.text(10, o.LogFile)
	m.text(13, o.Root)
	m.text(14, o.Parent)
	m.num(17, int64(o.WorkDir))
	m.num(38, int64(o.EmptyNamespaces))
	m.text(44, o.FreezeCgroup)
	m.num(49, int64(o.StatusFD))
	m.text(51, o.ConfigFile)
	m.text(53, o.LSMProfile)
	m.text(63, o.LSMMountContext)
	if o.PageServer.Port != 0 {
		var p message
		p.text(1, o.PageServer.Address)
		p.num(2, int64(o.PageServer.Port))
		m.part(11, p)
	}
	o.encodeFlags(&m)
	o.encodeLists(&m)
	return m
}

// logDebug makes the log tell what led to an error.
const logDebug = 4

func (o *Options) encodeFlags(m *message) {
	for _, f := range [...]struct {
		field int
		set   bool
	}{
		{3, o.LeaveRunning},
		{4, o.ExtUnixSockets},
		{5, o.TCPEstablished},
		{6, o.EvasiveDevices},
		{7, o.ShellJob},
		{8, o.FileLocks},
		{12, o.Notifying},
		{15, o.TrackMemory},
		{16, o.AutoDedup},
		{18, o.LinkRemap},
		{26, o.Sibling},
		{46, o.TCPSkipInFlight},
		{48, o.LazyPages},
		{50, o.OrphanPtsMaster},
		{52, o.TCPClose},
	} {
		m.flag(f.field, f.set)
	}
	// The flag is for versions that do not know the mode.
	m.flag(24, o.CgroupMode != CgroupsIgnore)
	m.required(34, int64(o.CgroupMode))
}

func (o *Options) encodeLists(m *message) {
	pair := func(field int, p Pair) {
		var part message
		part.text(1, p.Key)
		part.text(2, p.Value)
		m.part(field, part)
	}
	for _, p := range o.Mounts {
		pair(23, p)
	}
	for _, p := range o.CgroupRoots {
		pair(25, p)
	}
	for _, i := range o.Inherit {
		var part message
		part.text(1, i.Key)
		part.required(2, int64(i.FD))
		m.part(27, part)
	}
	for _, e := range o.External {
		m.text(37, e)
	}
}
