mod files;
mod hostile;
mod kafka;
mod replay;

use super::record::{Config, FeatureLevel, Partition, ProducerIds, Topic};
use super::replay::Replay;
use super::wire::{put_count, put_no_tags, put_nullable_str, put_str, put_unsigned};
use super::{ConfigResource, KeptRecord, MetadataImage};
use crate::dir::Uuid;

const NODE: i32 = 1;
const DIRECTORY: Uuid = Uuid::new([0xd1; 16]);

fn id(byte: u8) -> Uuid {
    Uuid::new([byte; 16])
}

/// The value of a record of any kind.
fn value(api_key: u32, version: u32, body: &[u8]) -> Vec<u8> {
    let mut out = vec![1];
    put_unsigned(&mut out, api_key);
    put_unsigned(&mut out, version);
    out.extend_from_slice(body);
    out
}

fn topic(name: &str, topic_id: Uuid) -> Vec<u8> {
    Topic { name: name.to_owned(), id: topic_id }.encode()
}

fn remove_topic(topic_id: Uuid) -> Vec<u8> {
    value(9, 0, &[&topic_id.to_bytes()[..], &[0]].concat())
}

fn partition(topic_id: Uuid, partition: i32, leader_epoch: i32) -> Vec<u8> {
    Partition {
        partition,
        topic_id,
        replicas: vec![NODE],
        leader: NODE,
        leader_epoch,
        partition_epoch: 0,
        directories: vec![DIRECTORY],
    }
    .encode(2)
}

/// A change with these tagged fields.
fn partition_change(topic_id: Uuid, partition: i32, tags: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut body = [&partition.to_be_bytes()[..], &topic_id.to_bytes()].concat();
    put_unsigned(&mut body, tags.len() as u32);
    for (tag, field) in tags {
        put_unsigned(&mut body, *tag);
        put_unsigned(&mut body, field.len() as u32);
        body.extend_from_slice(field);
    }
    value(5, 2, &body)
}

fn config(kind: i8, resource: &str, name: &str, value: Option<&str>) -> Vec<u8> {
    let resource = ConfigResource { kind, name: resource.to_owned() };
    Config { resource, name: name.to_owned(), value: value.map(str::to_owned) }.encode()
}

fn feature(name: &str, level: i16) -> Vec<u8> {
    FeatureLevel { name: name.to_owned(), level }.encode()
}

fn producer_ids(next_producer_id: i64) -> Vec<u8> {
    ProducerIds { broker_id: NODE, broker_epoch: 7, next_producer_id }.encode()
}

fn scram(user: &str, mechanism: u8, rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    put_str(&mut body, user);
    body.push(mechanism);
    body.extend_from_slice(rest);
    value(11, 0, &body)
}

fn remove_scram(user: &str, mechanism: u8) -> Vec<u8> {
    let mut body = Vec::new();
    put_str(&mut body, user);
    body.extend_from_slice(&[mechanism, 0]);
    value(22, 0, &body)
}

fn quota(entity: &[(&str, Option<&str>)], key: &str, quota: f64, remove: bool) -> Vec<u8> {
    let mut body = Vec::new();
    put_count(&mut body, entity.len());
    for (kind, name) in entity {
        put_str(&mut body, kind);
        put_nullable_str(&mut body, *name);
        put_no_tags(&mut body);
    }
    put_str(&mut body, key);
    body.extend_from_slice(&quota.to_be_bytes());
    body.extend_from_slice(&[u8::from(remove), 0]);
    value(14, 0, &body)
}

const BEGIN: &[u8] = &[1, 23, 0, 0];
const END: &[u8] = &[1, 24, 0, 0];
const ABORT: &[u8] = &[1, 25, 0, 0];

fn replayed(values: &[Vec<u8>]) -> MetadataImage {
    let mut replay = Replay::default();
    for value in values {
        replay.apply(value).unwrap();
    }
    replay.into_image()
}

fn kept_values(image: &MetadataImage) -> Vec<Vec<u8>> {
    image.kept.iter().map(KeptRecord::encode).collect()
}
