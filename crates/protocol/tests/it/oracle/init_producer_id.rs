use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId, TransactionalId};
use ottla_protocol::api::init_producer_id;

use super::{Oracle, error};
use crate::generate::Gen;

impl Oracle for InitProducerIdRequest {
    type Ours<'a> = init_producer_id::Request<'a>;

    fn generate(any: &mut Gen<'_>, version: i16) -> Self {
        InitProducerIdRequest::default()
            .with_transactional_id(any.option(|any| TransactionalId(any.string())))
            .with_transaction_timeout_ms(any.i32())
            .with_producer_id(ProducerId(any.when(version >= 3, Gen::i64, -1)))
            .with_producer_epoch(any.when(version >= 3, Gen::i16, -1))
    }

    fn ours(&self, _version: i16) -> init_producer_id::Request<'_> {
        init_producer_id::Request {
            transactional_id: self.transactional_id.as_ref().map(|id| id.0.as_str()),
            transaction_timeout_ms: self.transaction_timeout_ms,
            producer_id: self.producer_id.0,
            producer_epoch: self.producer_epoch,
        }
    }
}

impl Oracle for InitProducerIdResponse {
    type Ours<'a> = init_producer_id::Response;

    fn generate(any: &mut Gen<'_>, _version: i16) -> Self {
        InitProducerIdResponse::default()
            .with_throttle_time_ms(any.i32())
            .with_error_code(any.error_code())
            .with_producer_id(ProducerId(any.i64()))
            .with_producer_epoch(any.i16())
    }

    fn ours(&self, _version: i16) -> init_producer_id::Response {
        init_producer_id::Response {
            throttle_time_ms: self.throttle_time_ms,
            error_code: error(self.error_code),
            producer_id: self.producer_id.0,
            producer_epoch: self.producer_epoch,
        }
    }
}
