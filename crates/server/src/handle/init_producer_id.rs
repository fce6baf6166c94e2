//! InitProducerId: an id for an idempotent producer.

use ottla_protocol::ErrorCode;
use ottla_protocol::api::init_producer_id::{Request, Response};

use crate::broker::Broker;
use crate::error_codes;

pub(crate) fn handle(broker: &Broker, request: &Request<'_>) -> Response {
    match allocate(broker, request) {
        // Kafka too gives a new id to a producer without a transactional id that had one before.
        Ok(producer_id) => Response { producer_id, producer_epoch: 0, ..Response::default() },
        Err(error_code) => {
            Response { error_code, producer_id: -1, producer_epoch: -1, ..Response::default() }
        }
    }
}

fn allocate(broker: &Broker, request: &Request<'_>) -> Result<i64, ErrorCode> {
    match request.transactional_id {
        // No client tries again after this. An id would be a promise of transactions.
        Some(id) if !id.is_empty() => return Err(ErrorCode::TransactionalIdAuthorizationFailed),
        Some(_) => return Err(ErrorCode::InvalidRequest),
        None => {}
    }
    if (request.producer_id == -1) != (request.producer_epoch == -1) {
        return Err(ErrorCode::InvalidRequest);
    }
    broker.store.allocate_producer_id().map_err(|error| error_codes::note(broker, &error))
}
