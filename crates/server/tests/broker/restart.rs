use ottla_server::{Server, ServerError};

use crate::support::{Broker, Client, batch, broker, config};

#[test]
fn what_was_stored_is_served_after_a_restart_and_a_clean_stop_leaves_its_mark() {
    let Broker { server, dir } = broker();
    server.store().create_topic("letters", 2, &[("segment.bytes".into(), "2000000".into())].into()).unwrap();
    Client::connect(server.local_addr()).produce("letters", 1, 1, &batch(&["a"]));
    let id = server.store().topic("letters").unwrap().id;
    server.shutdown().unwrap();
    assert!(dir.path().join(".kafka_cleanshutdown").exists());

    let server = Server::start(config(dir.path())).unwrap();
    assert!(!dir.path().join(".kafka_cleanshutdown").exists());
    let topic = server.store().topic("letters").unwrap();
    assert_eq!((topic.id, topic.overrides.len()), (id, 1));
    let mut client = Client::connect(server.local_addr());
    assert_eq!(client.fetch("letters", 1, 0).records(), [(0, "a".to_owned())]);
    assert_eq!(client.produce("letters", 1, 1, &batch(&["b"])).base_offset, 1);
}

#[test]
fn two_servers_do_not_share_a_directory_or_an_address() {
    let broker = broker();
    let taken = Server::start(config(broker.dir.path())).unwrap_err();
    assert!(matches!(taken, ServerError::Store(ottla::Error::Locked { .. })), "{taken}");

    let other = tempfile::tempdir().unwrap();
    let mut config = config(other.path());
    config.listen = broker.address().to_string();
    let taken = Server::start(config).unwrap_err();
    assert!(matches!(taken, ServerError::Listen { .. }), "{taken}");
    assert!(!other.path().join("meta.properties").exists(), "nothing was made for it");
}

#[test]
fn a_program_may_use_the_store_beside_the_clients() {
    let broker = broker();
    broker.topic("letters", 1);
    let log = broker.server.store().log("letters", 0).unwrap();
    log.append(&batch(&["from inside"])).unwrap();
    let mut client = broker.connect();
    assert_eq!(client.fetch("letters", 0, 0).records(), [(0, "from inside".to_owned())]);
    client.produce("letters", 0, 1, &batch(&["from outside"]));
    assert_eq!(log.log_end_offset().get(), 2);
}
