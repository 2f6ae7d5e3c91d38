package initproc

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// maxOption is the longest value of an option that fsconfig(2) takes, in bytes.
const maxOption = 255

func hasLongOption(s plan.Mount) bool {
	if len(s.Source) > maxOption {
		return true
	}
	for _, d := range s.Data {
		if _, value, _ := strings.Cut(d, "="); len(value) > maxOption {
			return true
		}
	}
	return false
}

// mountLong is for options that fsconfig(2) does not take: the directories of an overlay
// are given one by one if the kernel can (Linux 6.7), else everything goes to mount(2).
func (lo *lowerer) mountLong(s plan.Mount) error {
	layers, rest := overlayLayers(s)
	callable := lo.checkCall(s) == nil
	if len(layers) == 0 {
		if !callable {
			return lo.checkCall(s)
		}
		lo.mkpath(s.Dest, plan.Directory, s.NoSymlinks, slotTarget)
		lo.mountCall(s)
		lo.close(slotTarget)
		return nil
	}
	lo.mkpath(s.Dest, plan.Directory, s.NoSymlinks, slotTarget)
	lo.sys(unix.SYS_FSOPEN, lo.str(s.Type), imm(unix.FSOPEN_CLOEXEC)).to(slotContext)
	first := lo.fsconfig(unix.FSCONFIG_SET_STRING, lo.str("lowerdir+"), lo.str(layers[0])).to(slotTmp)
	if callable {
		first.tolerate(unix.EINVAL)
	} else {
		first.log()
	}
	start := len(lo.code)
	for _, layer := range layers[1:] {
		lo.fsconfig(unix.FSCONFIG_SET_STRING, lo.str("lowerdir+"), lo.str(layer)).log()
	}
	lo.configure(rest)
	lo.mountContext(rest)
	lo.ifOKFrom(start, slotTmp)
	if callable {
		start = len(lo.code)
		lo.close(slotContext)
		lo.mountCall(s)
		lo.ifErrFrom(start, slotTmp)
	}
	lo.close(slotTarget)
	return nil
}

// overlayLayers takes the lower directories of an overlay out of its options, if each of
// them and all the rest is short enough.
func overlayLayers(s plan.Mount) (layers []string, rest plan.Mount) {
	const lower = "lowerdir="
	rest = s
	rest.Data = nil
	for _, d := range s.Data {
		list, isLower := strings.CutPrefix(d, lower)
		switch {
		case s.Type != "overlay":
			return nil, s
		case isLower:
			layers = splitLayers(list)
		default:
			rest.Data = append(rest.Data, d)
		}
	}
	if hasLongOption(rest) {
		return nil, s
	}
	for _, layer := range layers {
		// An empty one stands between layers for data only, which are another option.
		if layer == "" || len(layer) > maxOption {
			return nil, s
		}
	}
	return layers, rest
}

// splitLayers splits at colons; a backslash takes the meaning from the next byte (Linux:
// Documentation/filesystems/overlayfs.rst).
func splitLayers(list string) []string {
	var layers []string
	var layer []byte
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == ':':
			layers = append(layers, string(layer))
			layer = layer[:0]
		case c == '\\' && i+1 < len(list):
			i++
			layer = append(layer, list[i])
		default:
			layer = append(layer, c)
		}
	}
	return append(layers, string(layer))
}

// errLongOptions: mount(2) takes a page.
var errLongOptions = errors.New("the mount options are longer than the kernel takes")

// checkCall says why mount(2) cannot make a mount.
func (lo *lowerer) checkCall(s plan.Mount) error {
	switch {
	case len(callData(s)) >= os.Getpagesize() || len(s.Source) >= unix.PathMax:
		return errLongOptions
	case s.IDMap != nil || s.CopyUp:
		return errLongOption
	}
	return nil
}

// errLongOption: only mount(2) takes more, and its mounts are attached at once.
var errLongOption = errors.New("a mount with an option longer than 255 bytes can be neither id-mapped nor filled")

// mountCall mounts on the working directory, which is slotTarget: mount(2) takes no
// descriptor, and a path could be led astray.
func (lo *lowerer) mountCall(s plan.Mount) {
	lo.sys(unix.SYS_FCHDIR, slot(slotTarget))
	lo.sys(unix.SYS_MOUNT, lo.str(s.Source), lo.str("."), lo.str(s.Type), imm(callFlags(s)), lo.str(callData(s)))
	if s.Propagation != 0 {
		// The new mount is over the working directory, not below it.
		lo.sys(unix.SYS_OPENAT2, slot(slotRoot), lo.str(s.Dest), lo.how(unix.O_PATH, resolveInRoot), imm(24)).to(slotMount)
		lo.setattr(slotMount, plan.AttrChange{}, s.Propagation, s.Propagation.IsRecursive())
		lo.close(slotMount)
	}
}

// callData gives the options as one text. A label has commas of its own.
func callData(s plan.Mount) string {
	data := strings.Join(s.Data, ",")
	if s.Label == "" {
		return data
	}
	if data != "" {
		data += ","
	}
	return data + "context=\"" + s.Label + "\""
}

// callFlags gives the flags of mount(2) for attributes and for flags of the file system.
func callFlags(s plan.Mount) uint64 {
	flags := uint64(0)
	for _, f := range [...]struct {
		attr plan.Attr
		flag uint64
	}{
		{plan.ReadOnly, unix.MS_RDONLY},
		{plan.NoSuid, unix.MS_NOSUID},
		{plan.NoDev, unix.MS_NODEV},
		{plan.NoExec, unix.MS_NOEXEC},
		{plan.NoAtime, unix.MS_NOATIME},
		{plan.StrictAtime, unix.MS_STRICTATIME},
		{plan.NoDirAtime, unix.MS_NODIRATIME},
		{plan.NoSymfollow, unix.MS_NOSYMFOLLOW},
	} {
		if s.Attr&f.attr != 0 {
			flags |= f.flag
		}
	}
	for _, name := range s.Flags {
		switch name {
		case "ro":
			flags |= unix.MS_RDONLY
		case "sync":
			flags |= unix.MS_SYNCHRONOUS
		case "dirsync":
			flags |= unix.MS_DIRSYNC
		case "mand":
			flags |= unix.MS_MANDLOCK
		case "lazytime":
			flags |= unix.MS_LAZYTIME
		case "iversion":
			flags |= unix.MS_I_VERSION
		case "silent":
			flags |= unix.MS_SILENT
		}
	}
	return flags
}

// ifErrFrom skips the operations from an offset of the code on unless the slot holds an
// error.
func (lo *lowerer) ifErrFrom(start int, slot uint8) {
	for at := start; at < len(lo.code); at += opSize {
		op(lo.code[at : at+opSize]).ifErr(slot)
	}
}
