package python

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// ErrMissing says that no Python interpreter on this machine can import what was asked for; the message names the Debian packages.
var ErrMissing = errors.New("missing")

// candidates are tried in this order; the system's interpreter is named too because an environment often puts another one first in
// the path, which does not see the distribution's packages.
func candidates() []string {
	names := []string{"python3", "/usr/bin/python3"}
	if chosen := os.Getenv("PYTHON"); chosen != "" {
		names = []string{chosen}
	}
	return names
}

// Find returns the path of a Python interpreter that has all the modules: $PYTHON when it is set, otherwise python3 of the search
// path or /usr/bin/python3. The error wraps ErrMissing and says what to install.
func Find(modules ...string) (string, error) {
	var found bool
	lacking := slices.Clone(modules)
	for _, name := range candidates() {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		absent, err := absentModules(path, modules)
		if err != nil {
			continue
		}
		if len(absent) == 0 {
			return path, nil
		}
		if !found || len(absent) < len(lacking) {
			lacking = absent
		}
		found = true
	}
	if !found {
		return "", fmt.Errorf("%w: no python3 was found; apt-get install python3%s", ErrMissing, packages(modules))
	}
	return "", fmt.Errorf("%w: python3 has no %s; apt-get install%s", ErrMissing, strings.Join(lacking, " and no "), packages(lacking))
}

func packages(modules []string) string {
	var b strings.Builder
	for _, m := range modules {
		b.WriteString(" python3-" + m)
	}
	return b.String()
}

// absentModules asks an interpreter which of the modules it cannot find, without importing them: that takes seconds for some.
func absentModules(path string, modules []string) ([]string, error) {
	script := "import importlib.util, sys\nfor m in sys.argv[1:]:\n  if importlib.util.find_spec(m) is None: print(m)"
	out, err := exec.Command(path, append([]string{"-c", script}, modules...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return strings.Fields(string(out)), nil
}
