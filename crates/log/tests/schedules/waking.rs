//! Waiters: whatever changes a log wakes those who wait for it. A wake-up that is lost is a hang.

use ottla::{Offset, Waiter};

use crate::disk::Disk;
use crate::explore::explore;
use crate::scene::{ALL, LONG, append, append_all, config, join, open, open_in, read, spawn};

#[test]
fn one_waiter_learns_of_changes_of_several_logs() {
    explore("one waiter, several logs", || {
        let disk = Disk::default();
        let logs = ["/one/letters-0", "/two/letters-0"].map(|dir| open_in(&disk, dir, config()));
        let waiter = {
            let logs = logs.clone();
            spawn(move || {
                let waiter = Waiter::new();
                let _subscriptions = logs.each_ref().map(|log| log.subscribe(&waiter));
                while logs.iter().any(|log| log.log_end_offset() < Offset::new(2)) {
                    assert!(waiter.wait(LONG), "nobody waits so long");
                }
            })
        };
        let appenders = logs.map(|log| spawn(move || ["<0>", "<1>"].map(|value| append(&log, value))));
        join(appenders);
        waiter.join().unwrap();
    });
}

#[test]
fn those_who_come_and_go_miss_nothing() {
    explore("waiters that come and go", || {
        let log = open(&Disk::default(), config());
        let waiters = [1, 2].map(|until| {
            let log = log.clone();
            spawn(move || {
                let waiter = Waiter::new();
                for end in 1..=until {
                    let _subscription = log.subscribe(&waiter);
                    while log.log_end_offset() < Offset::new(end) {
                        waiter.wait(LONG);
                    }
                }
            })
        });
        let tail = {
            let mut tail = log.tail(Offset::ZERO, ALL);
            spawn(move || {
                while tail.position() < Offset::new(2) {
                    assert!(tail.next(LONG).unwrap().is_some());
                }
            })
        };
        append_all(&log, &["<0>", "<1>"]);
        join(waiters);
        tail.join().unwrap();
    });
}

#[test]
fn a_moved_start_a_cut_and_a_close_wake_too() {
    explore("waiters, a moved start, a cut and a close", || {
        let log = open(&Disk::default(), config());
        (0..3).for_each(|offset| assert_eq!(append(&log, &format!("<{offset}>")), offset));
        let wait_until = |is_there: fn(&ottla::Log) -> bool| {
            let log = log.clone();
            spawn(move || {
                let waiter = Waiter::new();
                let _subscription = log.subscribe(&waiter);
                while !is_there(&log) {
                    waiter.wait(LONG);
                }
            })
        };
        let waiters = [
            wait_until(|log| log.log_start_offset() == Offset::new(1)),
            wait_until(|log| log.log_end_offset() == Offset::new(2)),
            wait_until(|log| read(log, 1, ALL).is_err()),
        ];
        log.delete_records(Offset::new(1)).unwrap();
        log.truncate(Offset::new(2)).unwrap();
        log.close().unwrap();
        join(waiters);
    });
}
