//! DescribeCluster: this one node.

use ottla_protocol::ErrorCode;
use ottla_protocol::api::describe_cluster::{DescribeClusterBroker, Request, Response};
use ottla_protocol::api::metadata::NO_AUTHORIZED_OPERATIONS;

use crate::handle::Caller;
use crate::handle::operations::ALL_CLUSTER_OPERATIONS;

/// The endpoints of brokers, which is what clients want. The other kind is that of controllers.
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub(crate) fn handle(caller: &Caller<'_>, request: &Request) -> Response<'static> {
    let refusal = match request.endpoint_type {
        BROKERS => None,
        CONTROLLERS => {
            Some((ErrorCode::MismatchedEndpointType, "this is the endpoint of a broker, not of a controller"))
        }
        _ => Some((ErrorCode::UnsupportedEndpointType, "there is no such type of endpoint")),
    };
    if let Some((error_code, message)) = refusal {
        return Response { error_code, error_message: Some(message.into()), ..Response::default() };
    }
    let broker = caller.broker;
    let endpoint = broker.endpoint(caller.reached);
    let node = DescribeClusterBroker {
        broker_id: broker.store.node_id(),
        host: endpoint.host.into(),
        port: endpoint.port,
        ..DescribeClusterBroker::default()
    };
    Response {
        endpoint_type: BROKERS,
        cluster_id: broker.store.cluster_id().to_owned().into(),
        controller_id: broker.store.node_id(),
        brokers: vec![node],
        cluster_authorized_operations: if request.include_cluster_authorized_operations {
            ALL_CLUSTER_OPERATIONS
        } else {
            NO_AUTHORIZED_OPERATIONS
        },
        ..Response::default()
    }
}
