package cgroups

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// throttle is one of the four lists of throttled devices.
type throttle struct {
	field   string // below linux.resources.blockIO
	v1, v2  string // v1: the file; v2: the key in io.max
	devices []specs.LinuxThrottleDevice
}

func throttles(b *specs.LinuxBlockIO) [4]throttle {
	return [...]throttle{
		{"throttleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps", b.ThrottleReadBpsDevice},
		{"throttleWriteBpsDevice", "blkio.throttle.write_bps_device", "wbps", b.ThrottleWriteBpsDevice},
		{"throttleReadIOPSDevice", "blkio.throttle.read_iops_device", "riops", b.ThrottleReadIOPSDevice},
		{"throttleWriteIOPSDevice", "blkio.throttle.write_iops_device", "wiops", b.ThrottleWriteIOPSDevice},
	}
}

func (m *cgroupfs) setBlockIO(r *specs.LinuxResources) error {
	b := r.BlockIO
	if b == nil {
		return nil
	}
	lists := throttles(b)
	wanted := value(b.Weight) != 0 || value(b.LeafWeight) != 0 || len(b.WeightDevice) > 0
	for _, l := range lists {
		wanted = wanted || len(l.devices) > 0
	}
	if !wanted {
		return nil
	}
	t, err := m.where("blkio")
	if err != nil {
		return field("/blockIO", fmt.Errorf("cannot set block I/O limits: %w", err))
	}
	if err := m.setWeights(t, b); err != nil {
		return err
	}
	for _, l := range lists {
		for i, d := range l.devices {
			file, text := l.v1, number(d.Major, d.Minor)+" "+decimal(d.Rate)
			if t.v2() {
				file, text = "io.max", ioMax(d, l.v2)
			}
			if err := m.put(t, file, text); err != nil {
				return field(at("/blockIO/"+l.field+"/", i), err)
			}
		}
	}
	return nil
}

func number(major, minor int64) string {
	return strconv.FormatInt(major, 10) + ":" + strconv.FormatInt(minor, 10)
}

// ioMax gives a line of io.max. A rate of 0 lifts the limit, as it does on v1.
func ioMax(d specs.LinuxThrottleDevice, key string) string {
	rate := "max"
	if d.Rate != 0 {
		rate = decimal(d.Rate)
	}
	return number(d.Major, d.Minor) + " " + key + "=" + rate
}

// weightFile is a file for weights: there is one for each scheduler that knows any.
type weightFile struct {
	common, device string
	convert        bool
}

func (m *cgroupfs) setWeights(t *tree, b *specs.LinuxBlockIO) error {
	files := []weightFile{{"io.bfq.weight", "io.bfq.weight", false}, {"io.weight", "io.weight", true}}
	if !t.v2() {
		files = []weightFile{{"blkio.bfq.weight", "blkio.bfq.weight_device", false}, {"blkio.weight", "blkio.weight_device", false}}
	}
	if n := value(b.Weight); n != 0 {
		if err := m.putWeight(t, files, "", n); err != nil {
			return field("/blockIO/weight", err)
		}
	}
	if n := value(b.LeafWeight); n != 0 {
		if err := m.putLeaf(t, "blkio.leaf_weight", decimal(n)); err != nil {
			return field("/blockIO/leafWeight", err)
		}
	}
	for i, d := range b.WeightDevice {
		pointer := at("/blockIO/weightDevice/", i)
		if n := value(d.Weight); n != 0 {
			if err := m.putWeight(t, files, number(d.Major, d.Minor)+" ", n); err != nil {
				return field(pointer+"/weight", err)
			}
		}
		if n := value(d.LeafWeight); n != 0 {
			if err := m.putLeaf(t, "blkio.leaf_weight_device", number(d.Major, d.Minor)+" "+decimal(n)); err != nil {
				return field(pointer+"/leafWeight", err)
			}
		}
	}
	return nil
}

// putWeight uses the first file that there is.
func (m *cgroupfs) putWeight(t *tree, files []weightFile, device string, weight uint16) error {
	for _, f := range files {
		name, text := f.common, device+decimal(weight)
		if device != "" {
			name = f.device
		}
		if f.convert {
			text = device + decimal(IOWeight(weight))
		}
		err := m.putFile(t.file(name), text)
		if !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	if t.v2() {
		var noController *ControllerError
		if err := m.missing(t, "io.weight", unix.ENOENT); errors.As(err, &noController) {
			return err
		}
	}
	return fmt.Errorf("cannot set block I/O weight: the kernel has neither %s nor %s (enable the BFQ scheduler or io.cost): %w",
		files[0].common, files[1].common, unix.ENOENT)
}

// putLeaf writes a leaf weight, which only the CFQ scheduler (until Linux 5.0) knew.
func (m *cgroupfs) putLeaf(t *tree, name, text string) error {
	if t.v2() {
		m.warn("linux.resources.blockIO.leafWeight is ignored: cgroup v2 has no such setting")
		return nil
	}
	return m.put(t, name, text)
}
