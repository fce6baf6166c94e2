//! `.await` on a [`Durability`].

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::durability::Durability;
use crate::error::Result;
use crate::sync::{Mutex, PoisonError};

/// Ends when the append is on disk. Needs a [`Committer`](crate::Committer), and no particular runtime.
#[derive(Debug)]
pub struct DurableFuture {
    durability: Durability,
    /// Whom to wake; `None` until somebody waits, and then the last task that asked.
    waker: Option<Arc<Mutex<Waker>>>,
}

impl IntoFuture for Durability {
    type Output = Result<()>;
    type IntoFuture = DurableFuture;

    fn into_future(self) -> DurableFuture {
        DurableFuture { durability: self, waker: None }
    }
}

impl Future for DurableFuture {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        match &self.waker {
            Some(waker) => waker.lock().unwrap_or_else(PoisonError::into_inner).clone_from(context.waker()),
            None => {
                let waker = Arc::new(Mutex::new(context.waker().clone()));
                self.waker = Some(waker.clone());
                self.durability.when_durable(move |_| {
                    waker.lock().unwrap_or_else(PoisonError::into_inner).wake_by_ref();
                });
            }
        }
        // After the waker is where it will be found: what happens from now on wakes it.
        self.durability.outcome().map_or(Poll::Pending, Poll::Ready)
    }
}
