package letters

// moments are sums over the ink of a picture. u and v are the distances from the middle of the box around the ink, -extent to extent over
// its width and height.
type moments struct {
	ink                    int
	u, v, uu, vv, uv       int
	uuv, uvv               int
	left, right, low, high int // the box
	xEdges, xEdgesV        int // ink whose left neighbour is none, and the sum of their v
	yEdges, yEdgesU        int // ink whose lower neighbour is none, and the sum of their u
}

const extent = 64

func measure(p *picture) (m moments) {
	m.left, m.low = size, size
	for y := range size {
		for x := range size {
			if p[y][x] {
				m.left, m.right = min(m.left, x), max(m.right, x)
				m.low, m.high = min(m.low, y), max(m.high, y)
			}
		}
	}
	for y := m.low; y <= m.high; y++ {
		v := (2*y - m.low - m.high) * extent / (m.high - m.low + 1)
		for x := m.left; x <= m.right; x++ {
			if !p[y][x] {
				continue
			}
			u := (2*x - m.left - m.right) * extent / (m.right - m.left + 1)
			m.ink++
			m.u += u
			m.v += v
			m.uu += u * u
			m.vv += v * v
			m.uv += u * v
			m.uuv += u * u * v
			m.uvv += u * v * v
			if x == 0 || !p[y][x-1] {
				m.xEdges++
				m.xEdgesV += v
			}
			if y == 0 || !p[y-1][x] {
				m.yEdges++
				m.yEdgesU += u
			}
		}
	}
	return m
}

// features describes a picture by the 16 numbers of the package comment, each brought to 0..MaxValue by a fixed range.
func features(p *picture) [Features]int {
	m := measure(p)
	width, height := m.right-m.left+1, m.high-m.low+1
	const square, cube = extent * extent, extent * extent * extent
	return [Features]int{
		scale(m.left+m.right, 1, 30, 66),
		scale(m.low+m.high, 1, 30, 66),
		scale(width, 1, 4, 40),
		scale(height, 1, 14, 40),
		scale(1000*m.ink, width*height, 100, 800),
		scale(1000*m.u, m.ink*extent, -400, 400),
		scale(1000*m.v, m.ink*extent, -400, 400),
		scale(1000*m.uu, m.ink*square, 150, 700),
		scale(1000*m.vv, m.ink*square, 150, 700),
		scale(1000*m.uv, m.ink*square, -300, 300),
		scale(1000*m.uuv, m.ink*cube, -200, 200),
		scale(1000*m.uvv, m.ink*cube, -200, 200),
		scale(1000*m.xEdges, height, 1000, 3000),
		scale(1000*m.xEdgesV, m.xEdges*extent, -250, 250),
		scale(1000*m.yEdges, width, 1000, 3000),
		scale(1000*m.yEdgesU, m.yEdges*extent, -250, 250),
	}
}

// scale maps the quotient a/b from low..high to 0..MaxValue in equal steps; what is beyond gets the nearest end. b is above 0.
func scale(a, b, low, high int) int {
	return min(MaxValue, max(0, (a-low*b)*(MaxValue+1)/((high-low)*b)))
}
