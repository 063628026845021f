//! The collector's own metrics: the only crate that names an instrument.
