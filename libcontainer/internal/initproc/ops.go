package initproc

//go:generate go test -run TestHeaderFresh -update .

// Opcode is one of the init's primitive operations. A new feature of the
// specification is a new row of these in Go and rarely a new one in C.
type Opcode uint8

// The operations. The names and texts of opTable are what the C header and the
// dump are made of.
const (
	OpSys Opcode = iota
	OpMkpath
	OpVerify
	OpCopyMode
	OpCwd
	OpSync
	OpSendFD
	OpClone
	OpHook
	OpFindExe
	OpGate
	OpExec
	OpRecvFD
	OpListen
	OpMatch
	numOps
)

// opSpec documents an operation for the generator.
type opSpec struct {
	code Opcode
	name string
	doc  string
}

// opTable is the single description of the operations; genops writes csrc/ops.h
// from it, and its text is part of the ABI hash.
var opTable = [numOps]opSpec{
	{OpSys, "sys", "system call nr(arg0..arg5)"},
	{OpMkpath, "mkpath", "open arg1 (path) below directory arg0, making what is missing; arg2 kind (0 directory, 1 file), arg3 resolve flags; result2 = 1 if made"},
	{OpVerify, "verify", "descriptor arg0 has the file type arg1 and, unless they are 0, device number arg2 and file system magic arg3; else fail with arg4"},
	{OpCopyMode, "copymode", "write the mode of descriptor arg0 as octal digits to arg1 (6 bytes)"},
	{OpCwd, "cwd", "fail unless the working directory is inside of the root"},
	{OpSync, "sync", "send tag arg0 unless it is 0, wait for the runtime's answer"},
	{OpSendFD, "sendfd", "send tag arg0 with descriptor arg1"},
	{OpClone, "clone", "go on in a child of this process's parent, flags arg0"},
	{OpHook, "hook", "run arg0 with arguments arg1 and environment arg2, arg3 bytes at arg4 as input, arg5 milliseconds at most"},
	{OpFindExe, "findexe", "find the first executable of the arg1 paths at arg0"},
	{OpGate, "gate", "let the runtime go, wait for a connection on arg0"},
	{OpExec, "exec", "execute arg0 with arguments arg1 and environment arg2"},
	{OpRecvFD, "recvfd", "receive the next descriptor from the socket arg0"},
	{OpListen, "listen", "load a filter by system call nr(1, arg0, arg1), whose listener the runtime takes"},
	{OpMatch, "match", "fail with arg3 unless the arg2 bytes at arg0 are those at arg1 and end there; with arg4 a line's end or that byte may follow"},
}

// argKind says how the init takes an argument.
type argKind uint8

const (
	argImmediate argKind = iota // the value itself
	argBlob                     // the address of that offset in the image
	argSlot                     // the value of that slot
	numArgKinds
)

// guardKind says when an operation is skipped.
type guardKind uint8

const (
	guardNone   guardKind = iota
	guardOK               // run if the slot holds no error
	guardErr              // run if the slot holds an error
	guardEquals           // run if the slot holds exactly -guardValue
	numGuardKinds
)

// Flags of an operation.
const (
	// flagLog: when it fails, arg0 is a file system context whose log says why.
	flagLog = 1 << iota
	// flagOnce: not repeated after EINTR.
	flagOnce
	allOpFlags = flagLog | flagOnce
)

// Sizes of the image's parts, and the number of slots. The generated header
// asserts that C sees the same.
const (
	imageMagic   = 0x50494f43 // "COIP", little-endian
	headerSize   = 64
	opSize       = 80
	maxTolerated = 4
	numSlots     = 64
	noSlot       = 0xff
	// skipped is what the result slot of a skipped operation holds. It is no
	// errno of any kernel.
	skipped = -4000
	// noStep is the step number of operations that belong to no entry of the
	// plan.
	noStep = 0xffff
)

// imageTraced in the header's flags asks for a time stamp per operation.
const imageTraced = 1

// Error numbers of the init's own, beyond those of the kernel.
const (
	// errHookFailed: the hook ended with a status that is not 0.
	errHookFailed = 3900
	// errHookTimeout: the hook was killed.
	errHookTimeout = 3901
)

// Exit statuses of an init that could not even read its image.
const (
	exitImage = 120
	exitABI   = 121
)

// State is how far the init has come, as it stands in the progress page.
type State uint32

// The states in the order in which an init passes through them.
const (
	// StateNew: the init has not looked at its image yet.
	StateNew State = iota
	// StateSetup: it carries out the plan.
	StateSetup
	// StateReady: all is set up but for the start.
	StateReady
	// StateReleased: the start command has come.
	StateReleased
	// StateExec: the program is being executed, or has been.
	StateExec
	// StateFailed: a step failed; the page says which and how.
	StateFailed
	numStates
)

// What the page's "taken" field says of the listener.
const listenerTaken = 1

// Layout of the progress page.
const (
	progressListener = 32
	progressTaken    = 36
	progressMagic    = 0x52474f50 // "POGR"
	progressDetail   = 64
	detailSize       = 960
	progressStamps   = 1024
	progressSize     = 4096
)
