package letters

// A drawing has size by size pixels; coordinates while drawing are in 1/unit pixel.
const (
	size = 48
	unit = 16
)

// picture says for each pixel whether it is ink; y grows upwards.
type picture [size][size]bool

// hand is how one example is distorted, in 1/unit pixel.
type hand struct {
	width, height, left, bottom int
	slant                       int // x shift of the top against the bottom
	tilt                        int // y shift of the right side against the left
	tremor                      int // largest shift of one point
	pen                         int // radius
}

func newHand(chance *random) hand {
	h := hand{
		width: chance.between(12, 26) * unit, height: chance.between(16, 30) * unit,
		slant: chance.between(-5, 7) * unit, tilt: chance.between(-3, 3) * unit,
		tremor: chance.between(0, 3*unit), pen: chance.between(unit*3/4, unit*9/4),
	}
	h.left = chance.between(8, size-8-h.width/unit) * unit
	h.bottom = chance.between(6, size-8-h.height/unit) * unit
	return h
}

// place maps a point of the grid to the picture.
func (h hand) place(p point, chance *random) point {
	return point{
		x: h.left + (p.x*h.width+(p.y-gridSize/2)*h.slant)/gridSize + chance.between(-h.tremor, h.tremor),
		y: h.bottom + (p.y*h.height+(p.x-gridSize/2)*h.tilt)/gridSize + chance.between(-h.tremor, h.tremor),
	}
}

// draw draws a letter in a random hand.
func draw(letter int, chance *random) *picture {
	h := newHand(chance)
	var p picture
	for _, line := range lines(letter) {
		from := h.place(line[0], chance)
		for _, next := range line[1:] {
			to := h.place(next, chance)
			p.stroke(from, to, h.pen)
			from = to
		}
	}
	return &p
}

// stroke draws a straight line with a round pen, one dot for each half pixel.
func (p *picture) stroke(from, to point, pen int) {
	dx, dy := to.x-from.x, to.y-from.y
	dots := max(abs(dx), abs(dy))/(unit/2) + 1
	for i := range dots + 1 {
		p.dot(point{from.x + dx*i/dots, from.y + dy*i/dots}, pen)
	}
}

func (p *picture) dot(at point, pen int) {
	for y := max(0, (at.y-pen)/unit); y <= min(size-1, (at.y+pen)/unit); y++ {
		for x := max(0, (at.x-pen)/unit); x <= min(size-1, (at.x+pen)/unit); x++ {
			dx, dy := x*unit+unit/2-at.x, y*unit+unit/2-at.y
			if dx*dx+dy*dy <= pen*pen {
				p[y][x] = true
			}
		}
	}
}

func abs(x int) int {
	if x < 0 {
		return -x
	}
	return x
}
