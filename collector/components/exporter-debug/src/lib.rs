//! The debug exporter: writes what arrives as text.
