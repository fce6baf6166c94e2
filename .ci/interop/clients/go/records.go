package main

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The records every client sends and the line every client prints; see ../README.md for both rules.

const startMs = 1_700_000_000_000

var words = []string{"hello", "tom", "jerry", "kitty", "suke", "Žluťoučký", "零拷贝", "🜁"}

type random struct{ state uint64 }

func (r *random) below(bound int) int {
	r.state = r.state*6364136223846793005 + 1442695040888963407
	return int((r.state >> 33) % uint64(bound))
}

func (r *random) nullOrEmptyOr(sides int, make func() string) []byte {
	switch r.below(sides) {
	case 0:
		return nil
	case 1:
		return []byte{}
	}
	return []byte(make())
}

func (r *random) sentence() string {
	count := 1 + r.below(40)
	chosen := make([]string, count)
	for i := range chosen {
		chosen[i] = words[r.below(len(words))]
	}
	return strings.Join(chosen, " ")
}

func generate(count int, seed uint64) []*kgo.Record {
	r := &random{state: seed}
	records := make([]*kgo.Record, count)
	for i := range records {
		record := &kgo.Record{}
		record.Key = r.nullOrEmptyOr(16, func() string { return fmt.Sprintf("k%d", r.below(1000)) })
		record.Value = r.nullOrEmptyOr(16, r.sentence)
		headers := r.below(4)
		for h := range headers {
			name := fmt.Sprintf("h%d", h)
			if h == 2 {
				name = "ключ"
			}
			value := r.nullOrEmptyOr(4, func() string { return fmt.Sprintf("v%d", r.below(100)) })
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: name, Value: value})
		}
		record.Timestamp = time.UnixMilli(startMs + 7*int64(i) - int64(r.below(50)))
		records[i] = record
	}
	return records
}

func line(record *kgo.Record, timestampType string) string {
	headers := make([]string, len(record.Headers))
	for i, header := range record.Headers {
		headers[i] = fmt.Sprintf(`["%s",%s]`, header.Key, quoted(header.Value))
	}
	return fmt.Sprintf(`{"offset":%d,"ts_type":"%s","ts":%d,"key":%s,"value":%s,"headers":[%s]}`+"\n",
		record.Offset, timestampType, record.Timestamp.UnixMilli(),
		quoted(record.Key), quoted(record.Value), strings.Join(headers, ","))
}

func quoted(data []byte) string {
	if data == nil {
		return "null"
	}
	return `"` + base64.StdEncoding.EncodeToString(data) + `"`
}

func partitionName(topic string, partition int32) string {
	return fmt.Sprintf("%s-%d", topic, partition)
}

// One file of lines for each partition, named like its directory in a log directory.
type partitionFiles struct {
	folder  string
	files   map[string]*os.File
	writers map[string]*bufio.Writer
}

func newPartitionFiles(folder string) (*partitionFiles, error) {
	return &partitionFiles{folder, map[string]*os.File{}, map[string]*bufio.Writer{}}, os.MkdirAll(folder, 0o755)
}

func (p *partitionFiles) append(record *kgo.Record, timestampType string) error {
	name := partitionName(record.Topic, record.Partition)
	writer := p.writers[name]
	if writer == nil {
		file, err := os.OpenFile(filepath.Join(p.folder, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		writer = bufio.NewWriter(file)
		p.files[name], p.writers[name] = file, writer
	}
	_, err := writer.WriteString(line(record, timestampType))
	return err
}

func (p *partitionFiles) close() error {
	var failed error
	for name, writer := range p.writers {
		failed = errors.Join(failed, writer.Flush(), p.files[name].Close())
	}
	return failed
}
