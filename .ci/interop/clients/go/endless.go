package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const mostWaiting = 20_000

// A producer that outlives the server: BOOTSTRAP OUT NAME ACKS TOPIC PARTITIONS PER_SECOND; see "What the kills assert" in ../../README.md.
func endless(bootstrap, out, name, acks, topic, partitionCount, rate string) error {
	partitions, err := strconv.Atoi(partitionCount)
	if err != nil {
		return err
	}
	perSecond, err := strconv.ParseInt(rate, 10, 64)
	if err != nil {
		return err
	}
	soon := func(int) time.Duration { return 50 * time.Millisecond }
	options := []kgo.Opt{
		kgo.SeedBrokers(bootstrap),
		kgo.ProducerLinger(5 * time.Millisecond),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RetryBackoffFn(soon),
		kgo.UnknownTopicRetries(-1),
		kgo.MetadataMinAge(50 * time.Millisecond),
		kgo.MaxBufferedRecords(mostWaiting),
	}
	if acks != "all" {
		// Nobody can be idempotent then; nothing is doubled or out of order where nothing is sent twice.
		options = append(options, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1), kgo.RecordRetries(0))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	file, err := os.Create(filepath.Join(out, name))
	if err != nil {
		return err
	}
	defer file.Close()
	var lock sync.Mutex
	acknowledged := bufio.NewWriter(file)
	failed, answered := 0, int64(0)
	sent, began := int64(0), time.Now()
	answer := func(number int64) func(*kgo.Record, error) {
		return func(record *kgo.Record, err error) {
			lock.Lock()
			defer lock.Unlock()
			answered++
			if err != nil {
				failed++
				return
			}
			fmt.Fprintf(acknowledged, "%d %d %d\n", number, record.Partition, record.Offset)
			acknowledged.Flush()
		}
	}
	for {
		if _, err := os.Stat(filepath.Join(out, "stop")); err == nil {
			break
		}
		if sent >= time.Since(began).Nanoseconds()*perSecond/1_000_000_000 {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		value := fmt.Sprintf("%s %d %s", name, sent, strings.Repeat("x", int(sent%600)))
		record := &kgo.Record{Topic: topic, Partition: int32(sent % int64(partitions)), Value: []byte(value)}
		client.Produce(context.Background(), record, answer(sent))
		sent++
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = client.Flush(ctx)
	lock.Lock()
	defer lock.Unlock()
	fmt.Fprintf(acknowledged, "sent %d failed %d left %d\n", sent, failed, sent-answered)
	if flushed := acknowledged.Flush(); err == nil {
		err = flushed
	}
	return err
}
