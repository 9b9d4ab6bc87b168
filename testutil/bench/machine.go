package bench

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// Machine describes where a benchmark ran: processor, number of processors, Go version and build settings, and how busy it was before.
func Machine() string {
	return fmt.Sprintf("%s, %d processors, %s/%s%s, %s%s", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, level(), runtime.Version(), load())
}

// load is the load average of the last minute, where the system tells: other programs spoil rows with as many threads as processors.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	average, _, _ := strings.Cut(string(text), " ")
	return ", load before the run " + average
}

// processor is the model name that Linux reports, or the architecture.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	var model, family, number string
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(name) {
		case "model name":
			model = value
		case "cpu family":
			family = value
		case "model":
			number = value
		case "": // the end of the first processor
			if model != "" {
				return fmt.Sprintf("%s (family %s, model %s)", model, family, number)
			}
		}
	}
	return runtime.GOARCH
}

// level is the instruction set that the compiler was told to assume.
func level() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "GOAMD64" || s.Key == "GOARM64" {
			return "/" + s.Value
		}
	}
	return ""
}
