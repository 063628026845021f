//! Signals in the collector's own telemetry.

use etalon_pdata::Signal;
use etalon_telemetry::attributes::DataType;

/// A signal of which the collector's own telemetry knows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the telemetry contract declares no metrics for {0}")]
pub struct UndeclaredSignal(Signal);

/// What telemetry calls a signal.
///
/// # Errors
/// The contract does not declare it.
pub fn data_type(signal: Signal) -> Result<DataType, UndeclaredSignal> {
    DataType::of(signal.name).ok_or(UndeclaredSignal(signal))
}
