// The matrix client on franz-go; the verbs are described in ../README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const timeout = 30 * time.Second

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 4 {
		return errors.New("usage: VERB BOOTSTRAP OUT ARGUMENTS…")
	}
	if args[0] == "endless" && len(args) == 8 {
		return endless(args[1], args[2], args[3], args[4], args[5], args[6], args[7])
	}
	verb, bootstrap, rest := args[0], args[1], args[3:]
	files, err := newPartitionFiles(args[2])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*timeout)
	defer cancel()
	switch verb {
	case "produce":
		for ; len(rest) >= 5 && err == nil; rest = rest[5:] {
			partitions, _ := strconv.Atoi(rest[1])
			count, _ := strconv.Atoi(rest[3])
			seed, _ := strconv.ParseUint(rest[4], 10, 64)
			err = produce(ctx, bootstrap, files, rest[0], int32(partitions), rest[2], count, seed)
		}
	case "consume":
		err = consume(ctx, bootstrap, files, rest)
	default:
		err = fmt.Errorf("unknown verb %s", verb)
	}
	return errors.Join(err, files.close())
}

func codec(name string) kgo.CompressionCodec {
	switch name {
	case "gzip":
		return kgo.GzipCompression()
	case "snappy":
		return kgo.SnappyCompression()
	case "lz4":
		return kgo.Lz4Compression()
	case "zstd":
		return kgo.ZstdCompression()
	}
	return kgo.NoCompression()
}

// Idempotent, as the library is by default; writes down what the server acknowledged.
func produce(ctx context.Context, bootstrap string, files *partitionFiles, topic string, partitions int32, codecName string, count int, seed uint64) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(bootstrap),
		kgo.ProducerBatchCompression(codec(codecName)),
		kgo.ProducerLinger(20*time.Millisecond),
		kgo.ProducerBatchMaxBytes(16_384),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	forever, segment := "-1", "1048576"
	configs := map[string]*string{"retention.ms": &forever, "segment.bytes": &segment}
	if _, err := admin.CreateTopic(ctx, partitions, -1, configs, topic); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return err
	}
	there, err := partitionsOf(ctx, admin, topic)
	if err != nil {
		return err
	}
	records := generate(count, seed)
	for i, record := range records {
		record.Topic = topic
		record.Partition = int32(i % there)
	}
	for _, result := range client.ProduceSync(ctx, records...) {
		if result.Err != nil {
			return fmt.Errorf("%s: %w", topic, result.Err)
		}
	}
	// The client fills in the offset that each record got.
	for _, record := range records {
		if err := files.append(record, "create"); err != nil {
			return err
		}
	}
	return nil
}

// A broker may answer the creation of a topic a moment before its metadata has it.
func partitionsOf(ctx context.Context, admin *kadm.Client, topic string) (int, error) {
	for {
		details, err := admin.ListTopics(ctx, topic)
		if err != nil || len(details[topic].Partitions) > 0 {
			return len(details[topic].Partitions), err
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("%s: its partitions did not appear: %w", topic, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// From the first offset to the end as it was at the start, by assigned partitions and reading only what is committed.
func consume(ctx context.Context, bootstrap string, files *partitionFiles, topics []string) error {
	assigned := map[string]map[int32]kgo.Offset{}
	lookup, err := kgo.NewClient(kgo.SeedBrokers(bootstrap))
	if err != nil {
		return err
	}
	defer lookup.Close()
	ends, err := kadm.NewClient(lookup).ListEndOffsets(ctx, topics...)
	if err != nil {
		return err
	}
	if err := ends.Error(); err != nil {
		return err
	}
	missing := map[string]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		if assigned[end.Topic] == nil {
			assigned[end.Topic] = map[int32]kgo.Offset{}
		}
		assigned[end.Topic][end.Partition] = kgo.NewOffset().AtStart()
		if end.Offset > 0 {
			missing[partitionName(end.Topic, end.Partition)] = end.Offset
		}
	})
	client, err := kgo.NewClient(
		kgo.SeedBrokers(bootstrap),
		kgo.ConsumePartitions(assigned),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxPartitionBytes(65_536),
		kgo.FetchMaxWait(200*time.Millisecond),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	for len(missing) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("%w; the ends still missing: %v", err, missing)
		}
		var failed error
		fetches.EachRecord(func(record *kgo.Record) {
			kind := "none"
			switch record.Attrs.TimestampType() {
			case 0:
				kind = "create"
			case 1:
				kind = "append"
			}
			failed = errors.Join(failed, files.append(record, kind))
			name := partitionName(record.Topic, record.Partition)
			if end, ok := missing[name]; ok && record.Offset+1 >= end {
				delete(missing, name)
			}
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}
