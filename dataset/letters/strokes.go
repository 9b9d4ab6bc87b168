package letters

import "strings"

// gridSize is the largest coordinate of a stroke.
const gridSize = 16

// strokes holds for each letter the lines of a pen on a grid from 0 to 16, x to the right and y upwards. Each pair of digits in base 17
// (0 to g) is a point; a space lifts the pen.
var strokes = [Classes]string{
	"008gg0 36d6",                 // A
	"000g 0gagdedaa808b8f6f2b000", // B
	"fdbg5g1c081450b0f3",          // C
	"000g 0g9gedg8e39000",         // D
	"fg0g00f0 08c8",               // E
	"fg0g00 08c8",                 // F
	"fdbg5g1c081450b0f3f797",      // G
	"000g g0gg 08g8",              // H
	"808g",                        // I
	"dgd4a05014",                  // J
	"000g gg06 6ag0",              // K
	"0g00f0",                      // L
	"000g86ggg0",                  // M
	"000gg0gg",                    // N
	"5g1c081450b0f4g8fcbg5g",      // O
	"000g 0gbgfdf9b707",           // P
	"5g1c081450b0f4g8fcbg5g a6g0", // Q
	"000g 0gbgfdf9b707 87g0",      // R
	"fdbg5g1d1a58b8f6f3b05003",    // S
	"0ggg 8g80",                   // T
	"0g0450b0g4gg",                // U
	"0g80gg",                      // V
	"0g408ac0gg",                  // W
	"00gg 0gg0",                   // X
	"0g88gg 8880",                 // Y
	"0ggg00g0",                    // Z
}

type point struct{ x, y int }

// lines parses the strokes of a letter.
func lines(letter int) [][]point {
	const digits = "0123456789abcdefg"
	var all [][]point
	for _, stroke := range strings.Fields(strokes[letter]) {
		var line []point
		for i := 0; i < len(stroke); i += 2 {
			line = append(line, point{strings.IndexByte(digits, stroke[i]), strings.IndexByte(digits, stroke[i+1])})
		}
		all = append(all, line)
	}
	return all
}
