package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// tomlLiteral writes a value as TOML, in the type of the current value: what is
// a switch stays a switch and a text becomes quoted.
func tomlLiteral(value string, current any) (string, error) {
	switch current.(type) {
	case bool:
		if value != "true" && value != "false" {
			return "", fmt.Errorf("expected true or false, got %q", value)
		}
		return value, nil
	case int, int64, uint64:
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return "", fmt.Errorf("expected a whole number, got %q", value)
		}
		return value, nil
	case float64:
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			return "", fmt.Errorf("expected a number, got %q", value)
		}
		return value, nil
	case []any:
		var list []any
		if err := json.Unmarshal([]byte(value), &list); err != nil {
			return "", fmt.Errorf(`expected a list such as ["a", "b"], got %q`, value)
		}
		// A JSON list of texts and numbers is also a TOML list.
		return value, nil
	default:
		if i := strings.IndexFunc(value, unicode.IsControl); i >= 0 {
			return "", fmt.Errorf("expected a text on one line, got %q", value)
		}
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`, nil
	}
}

// replaceValue sets key (section.name, or name at the top level) to a literal
// in a TOML file whose values stand on one line each, as in the files that
// nodes write.
func replaceValue(content, key, literal string) (string, error) {
	lines := strings.Split(content, "\n")
	section := ""
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "[") && strings.HasSuffix(trimmed, "]") {
			section = strings.TrimSpace(trimmed[1:len(trimmed)-1]) + "."
			continue
		}
		name, old, found := strings.Cut(trimmed, "=")
		if !found || strings.HasPrefix(trimmed, "#") || !strings.EqualFold(section+strings.TrimSpace(name), key) {
			continue
		}
		if old = strings.TrimSpace(old); strings.HasPrefix(old, "[") && !strings.Contains(old, "]") || strings.HasPrefix(old, `"""`) {
			return "", fmt.Errorf("the value of %s spans several lines; edit the file", key)
		}
		lines[i] = strings.TrimSpace(name) + " = " + literal
		return strings.Join(lines, "\n"), nil
	}
	return "", fmt.Errorf("%s is not set in the file; add it with an editor", key)
}
