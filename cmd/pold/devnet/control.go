package devnet

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"
)

// request is what `pold devnet kill|start|status|down|cheat` asks of the running `up`.
type request struct {
	Verb string `json:"verb"`
	Name string `json:"name,omitempty"`
	Kind string `json:"kind,omitempty"`
}

// reply is the answer.
type reply struct {
	Error     string         `json:"error,omitempty"`
	Processes map[string]int `json:"processes,omitempty"`
	Note      string         `json:"note,omitempty"`
}

// serveControl answers requests on a socket in the devnet's home, which only its owner can open.
func serveControl(path, trainerd string, s *supervisor, down func()) (stop func(), err error) {
	_ = os.Remove(path)
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		listener.Close()
		return nil, fmt.Errorf("control socket: %w", err)
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go answer(connection, trainerd, s, down)
		}
	}()
	return func() { listener.Close() }, nil
}

func answer(connection net.Conn, trainerd string, s *supervisor, down func()) {
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(time.Minute))
	var q request
	if err := json.NewDecoder(bufio.NewReader(connection)).Decode(&q); err != nil {
		return
	}
	var err error
	var note string
	switch q.Verb {
	case "cheat":
		note, err = cheat(trainerd, s, q.Kind, q.Name)
	case "kill":
		err = s.stop(q.Name, true)
	case "start":
		err = s.start(q.Name)
	case "status":
	case "down":
		defer down()
	default:
		err = fmt.Errorf("unknown verb %q", q.Verb)
	}
	r := reply{Processes: s.pids(), Note: note}
	if err != nil {
		r.Error = err.Error()
	}
	_ = json.NewEncoder(connection).Encode(r)
}

// ask sends a request to the devnet that runs in a home.
func ask(home string, q request) (reply, error) {
	var r reply
	connection, err := net.DialTimeout("unix", layout{home: home}.socket(), 2*time.Second)
	if err != nil {
		return r, fmt.Errorf("no devnet runs in %s: %w; start one with: pold devnet up", home, err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(time.Minute))
	if err := json.NewEncoder(connection).Encode(q); err != nil {
		return r, err
	}
	if err := json.NewDecoder(connection).Decode(&r); err != nil {
		return r, err
	}
	if r.Error != "" {
		return r, fmt.Errorf("%s", r.Error)
	}
	return r, nil
}
