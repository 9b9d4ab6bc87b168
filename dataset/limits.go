package dataset

// Limits of a canonical table. They are part of the format: a table beyond one
// of them is refused everywhere.
const (
	MaxRows           = 4 << 20 // examples, header not counted
	MaxColumns        = 65_536
	MaxLineBytes      = 1 << 20 // bytes of one line without its LF
	MaxFileBytes      = 1 << 30 // bytes of the whole file
	MaxNameBytes      = 64      // bytes of a column name
	MaxIntegerDigits  = 38      // keeps every number below the largest float32, 3.4e38
	MaxFractionDigits = 64      // enough for 20 digits of the smallest float32, 1.4e-45
)

// Limits of a delta. They are part of the format, too.
const (
	MaxDeltaBytes = 256 << 20 // bytes of the whole delta
	MaxHunks      = 1 << 20
)

// bounds are the limits a parser enforces. They are a value so that tests reach
// them with small tables.
type bounds struct {
	rows, columns, line, file int
}

var formatBounds = bounds{rows: MaxRows, columns: MaxColumns, line: MaxLineBytes, file: MaxFileBytes}

// deltaBounds are the limits of deltas, for the same reason.
type deltaBounds struct {
	bytes, hunks int
}

var formatDeltaBounds = deltaBounds{bytes: MaxDeltaBytes, hunks: MaxHunks}
