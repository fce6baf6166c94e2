use std::time::Duration;

use ottla_server::Limits;
use ottla_tidy::{Repo, table_after};

/// The table names each limit as the code does and gives its default.
#[test]
fn the_documented_limits_are_the_defaults() {
    let documented: Vec<[String; 2]> = table_after(&Repo::here().read("docs/PROTOCOL.md"), "Limits")
        .iter()
        .map(|row| [row[0].clone(), row[1].clone()])
        .collect();
    let coded: Vec<_> = defaults().map(|(name, value)| [format!("`{name}`"), value]).into();
    assert_eq!(documented, coded, "make the table `Limits` of docs/PROTOCOL.md say what the code says");
}

fn defaults() -> [(&'static str, String); 11] {
    // Every field by name: a limit that is added must be added here and to the table.
    let Limits {
        connections,
        connections_per_ip,
        frame_bytes,
        small_frame_bytes,
        in_flight_bytes,
        frame_time,
        idle_time,
        write_stall_time,
        pipelined_requests,
        fetch_wait,
        partitions,
    } = Limits::default();
    let connections = connections.map_or("half of the open files".to_owned(), |limit| limit.to_string());
    let mib = |bytes: usize| format!("{} MiB", bytes >> 20);
    let seconds = |duration: Duration| format!("{} s", duration.as_secs());
    [
        ("connections", connections),
        ("connections_per_ip", connections_per_ip.to_string()),
        ("frame_bytes", mib(frame_bytes)),
        ("small_frame_bytes", mib(small_frame_bytes)),
        ("in_flight_bytes", mib(in_flight_bytes)),
        ("frame_time", seconds(frame_time)),
        ("idle_time", seconds(idle_time)),
        ("write_stall_time", seconds(write_stall_time)),
        ("pipelined_requests", pipelined_requests.to_string()),
        ("fetch_wait", seconds(fetch_wait)),
        ("partitions", partitions.to_string()),
    ]
}
