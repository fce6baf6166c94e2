use std::collections::HashSet;

use ottla_protocol::ErrorCode;
use ottla_protocol::api::init_producer_id::{Request, Response};
use ottla_record::BatchBuilder;
use ottla_server::Server;

use crate::support::{Broker, Client, answer, batch_from, broker, config};

fn ask(client: &mut Client, request: Request<'_>) -> Response {
    answer(&client.ask(4, &request), 4)
}

fn idempotent() -> Request<'static> {
    Request { transactional_id: None, transaction_timeout_ms: 0, producer_id: -1, producer_epoch: -1 }
}

#[test]
fn no_id_is_given_twice_not_even_after_a_restart() {
    let Broker { server, dir } = broker();
    let mut seen = HashSet::new();
    let mut server = Some(server);
    for clean in [true, false, true] {
        let running = server.take().unwrap();
        let mut client = Client::connect(running.local_addr());
        for _ in 0..3 {
            let response = ask(&mut client, idempotent());
            assert_eq!((response.error_code, response.producer_epoch), (ErrorCode::None, 0));
            assert!(seen.insert(response.producer_id), "{} again", response.producer_id);
        }
        drop(client);
        if clean {
            running.shutdown().unwrap();
        } else {
            drop(running);
        }
        server = Some(Server::start(config(dir.path())).unwrap());
    }
}

#[test]
fn a_transactional_id_gets_an_error_that_is_final() {
    let broker = broker();
    let mut client = broker.connect();
    let refused = ask(&mut client, Request { transactional_id: Some("t"), ..idempotent() });
    assert_eq!(refused.error_code, ErrorCode::TransactionalIdAuthorizationFailed);
    assert!(!refused.error_code.is_retriable());
    assert_eq!((refused.producer_id, refused.producer_epoch), (-1, -1));
    let empty = ask(&mut client, Request { transactional_id: Some(""), ..idempotent() });
    assert_eq!(empty.error_code, ErrorCode::InvalidRequest);
}

#[test]
fn a_producer_that_names_its_old_id_gets_a_new_one() {
    let broker = broker();
    let mut client = broker.connect();
    let first = ask(&mut client, idempotent());
    let again = Request { producer_id: first.producer_id, producer_epoch: 0, ..idempotent() };
    assert_ne!(ask(&mut client, again).producer_id, first.producer_id);
    let half = Request { producer_id: first.producer_id, ..idempotent() };
    assert_eq!(ask(&mut client, half).error_code, ErrorCode::InvalidRequest);
}

#[test]
fn a_batch_that_is_sent_again_is_acknowledged_again_and_stored_once() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    let id = ask(&mut client, idempotent()).producer_id;
    let batch = |sequence, epoch| batch_from(BatchBuilder::new().producer(id, epoch, sequence), &["a", "b"]);
    let mut produce = |sequence, epoch| {
        let produced = client.produce("letters", 0, -1, &batch(sequence, epoch));
        (produced.error, produced.base_offset)
    };
    assert_eq!(produce(0, 0), (ErrorCode::None, 0));
    assert_eq!(produce(2, 0), (ErrorCode::None, 2));
    assert_eq!(produce(0, 0), (ErrorCode::None, 0), "the old offset");
    assert_eq!(produce(2, 0), (ErrorCode::None, 2));
    assert_eq!(produce(6, 0), (ErrorCode::OutOfOrderSequenceNumber, -1));
    assert_eq!(produce(0, 1), (ErrorCode::None, 4), "a new epoch begins at 0");
    assert_eq!(produce(4, 0), (ErrorCode::InvalidProducerEpoch, -1));
    assert_eq!(broker.connect().fetch("letters", 0, 0).high_watermark, 6);
}
