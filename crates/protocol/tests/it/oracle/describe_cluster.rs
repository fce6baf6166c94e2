use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{BrokerId, DescribeClusterRequest, DescribeClusterResponse};
use ottla_protocol::api::describe_cluster;

use super::{Oracle, error, nullable_text, text, vec};
use crate::generate::Gen;

impl Oracle for DescribeClusterRequest {
    type Ours<'a> = describe_cluster::Request;

    fn generate(any: &mut Gen<'_>, version: i16) -> Self {
        DescribeClusterRequest::default()
            .with_include_cluster_authorized_operations(any.bool())
            .with_endpoint_type(any.when(version >= 1, Gen::i8, 1))
            .with_include_fenced_brokers(any.when(version >= 2, Gen::bool, false))
    }

    fn ours(&self, _version: i16) -> describe_cluster::Request {
        describe_cluster::Request {
            include_cluster_authorized_operations: self.include_cluster_authorized_operations,
            endpoint_type: self.endpoint_type,
            include_fenced_brokers: self.include_fenced_brokers,
        }
    }
}

impl Oracle for DescribeClusterResponse {
    type Ours<'a> = describe_cluster::Response<'a>;

    fn generate(any: &mut Gen<'_>, version: i16) -> Self {
        let broker = |any: &mut Gen<'_>| {
            DescribeClusterBroker::default()
                .with_broker_id(BrokerId(any.i32()))
                .with_host(any.string())
                .with_port(any.i32())
                .with_rack(any.option(Gen::string))
                .with_is_fenced(any.when(version >= 2, Gen::bool, false))
        };
        DescribeClusterResponse::default()
            .with_throttle_time_ms(any.i32())
            .with_error_code(any.error_code())
            .with_error_message(any.option(Gen::string))
            .with_endpoint_type(any.when(version >= 1, Gen::i8, 1))
            .with_cluster_id(any.string())
            .with_controller_id(BrokerId(any.i32()))
            .with_brokers(any.vec(broker))
            .with_cluster_authorized_operations(any.i32())
    }

    fn ours(&self, _version: i16) -> describe_cluster::Response<'_> {
        describe_cluster::Response {
            throttle_time_ms: self.throttle_time_ms,
            error_code: error(self.error_code),
            error_message: nullable_text(&self.error_message),
            endpoint_type: self.endpoint_type,
            cluster_id: text(&self.cluster_id),
            controller_id: self.controller_id.0,
            brokers: vec(&self.brokers, |broker| describe_cluster::DescribeClusterBroker {
                broker_id: broker.broker_id.0,
                host: text(&broker.host),
                port: broker.port,
                rack: nullable_text(&broker.rack),
                is_fenced: broker.is_fenced,
            }),
            cluster_authorized_operations: self.cluster_authorized_operations,
        }
    }
}
