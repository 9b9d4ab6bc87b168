// Package tensorboard writes and reads TensorBoard event files: the curves of a training run, in the format that TensorBoard and most
// tools for experiments read.
//
// An event file is a sequence of records (record.go), each framed by its length and two checksums and holding one protobuf message
// tensorflow.Event (event.go). Writer (writer.go) only ever appends, so a file whose process died is readable up to its last whole
// record; Read (reader.go) does that.
//
//	w, err := tensorboard.Create("runs/digits-20260102-150405")
//	err = w.Add(step, time.Now(), tensorboard.Scalar{Tag: "loss/training", Value: 0.31})
//	err = w.Close()
//
// One folder is one run. `tensorboard --logdir runs` shows all runs below a folder.
package tensorboard
