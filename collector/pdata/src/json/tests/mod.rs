//! What the transcoder accepts, writes and refuses, on a message that has a field of every kind and
//! on OTLP's own messages.

mod every_kind;
mod fault;
mod golden;
mod inbound;
mod outbound;
mod random;
mod round_trip;
mod rows;
