//! What users write.

use etalon_component::{FairBy, MemoryLimit, MemoryLimits};
use etalon_conf::{Check, Duration, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const MIB: u64 = 1024 * 1024;
/// Of a hundred parts of the limit, those that are the spike where the configuration does not say.
const SPIKE_PERCENT: u64 = 20;

/// Configuration of a `memory_limiter`, as a processor or as an extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// How often to look at how much memory the process takes. It must be written.
    pub check_interval: Duration,
    /// Most bytes of requests that are in memory at once, in MiB. This or `limit_percentage` must be written.
    pub limit_mib: u32,
    /// So much below the limit, in MiB, a sender that has its fair share gets nothing more. 0 is a fifth of the
    /// limit.
    pub spike_limit_mib: u32,
    /// The limit in percent of the memory that the process may use: that of its control group, or else of the machine.
    /// `limit_mib` takes precedence.
    pub limit_percentage: u32,
    /// `spike_limit_mib` in percent of the same, where `limit_percentage` is in effect. 0 is a fifth of the limit.
    pub spike_limit_percentage: u32,
    /// Header field, or metadata of gRPC, whose first value says who a sender is. Requests without it are of their
    /// connection, as all are when this is empty. It does not need `include_metadata`.
    pub fair_by_metadata_key: String,
    /// Most senders that are told apart by `fair_by_metadata_key` at once. What is beyond them shares one share.
    pub metadata_cardinality_limit: u32,
    /// Changes nothing: memory is given back at once, and there is no garbage to collect.
    pub min_gc_interval_when_soft_limited: Duration,
    /// Changes nothing, for the same reason.
    pub min_gc_interval_when_hard_limited: Duration,
    /// Changes nothing, for the same reason.
    pub max_gc_interval_when_soft_limited: Duration,
    /// Changes nothing, for the same reason.
    pub max_gc_interval_when_hard_limited: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            check_interval: Duration::ZERO,
            limit_mib: 0,
            spike_limit_mib: 0,
            limit_percentage: 0,
            spike_limit_percentage: 0,
            fair_by_metadata_key: String::new(),
            metadata_cardinality_limit: 1000,
            min_gc_interval_when_soft_limited: Duration::from_secs(10),
            min_gc_interval_when_hard_limited: Duration::ZERO,
            max_gc_interval_when_soft_limited: Duration::from_secs(30),
            max_gc_interval_when_hard_limited: Duration::from_secs(30),
        }
    }
}

impl Config {
    /// Whether the limit depends on how much memory there is.
    pub(crate) fn is_relative(&self) -> bool {
        self.limit_mib == 0
    }

    /// The limits, in bytes, where the process may use `total` bytes. Only a relative limit looks at that.
    pub(crate) fn limits(&self, total: u64) -> MemoryLimits {
        let (limit, spike) = if self.is_relative() {
            let percent = |percentage: u32| total / 100 * u64::from(percentage);
            (percent(self.limit_percentage), percent(self.spike_limit_percentage))
        } else {
            (u64::from(self.limit_mib) * MIB, u64::from(self.spike_limit_mib) * MIB)
        };
        let spike = if spike == 0 { limit / 100 * SPIKE_PERCENT } else { spike };
        let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        MemoryLimits { hard: bytes(limit), soft: bytes(limit.saturating_sub(spike)) }
    }

    /// What is said of it before it runs.
    pub(crate) fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit { bytes: (!self.is_relative()).then(|| self.limits(0).hard as u64) }
    }

    /// How senders are told apart, if not by their connection.
    pub(crate) fn fair_by(&self) -> Option<FairBy> {
        let most = usize::try_from(self.metadata_cardinality_limit).unwrap_or(usize::MAX);
        let metadata_key = self.fair_by_metadata_key.to_ascii_lowercase();
        (!metadata_key.is_empty()).then_some(FairBy { metadata_key, most })
    }

    fn check_fairness(&self, check: &mut Check) {
        if !self.fair_by_metadata_key.bytes().all(is_of_name) {
            check.at("fair_by_metadata_key", |check| {
                check.error_with_help(
                    format!("{:?} is not the name of a header field", self.fair_by_metadata_key),
                    "write one name, for example x-tenant",
                );
            });
        }
        if self.metadata_cardinality_limit == 0 {
            check.at("metadata_cardinality_limit", |check| check.error("must be greater than zero"));
        }
    }

    fn check_limits(&self, check: &mut Check) {
        if self.limit_mib == 0 && self.limit_percentage == 0 {
            check.error_with_help(
                "'limit_mib' or 'limit_percentage' must be greater than zero",
                "write how much memory requests may take, for example limit_mib: 512",
            );
        }
        if self.limit_percentage > 100 || self.spike_limit_percentage > 100 {
            check.error(
                "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or equal to hundred",
            );
        }
        if self.limit_mib > 0 && self.limit_mib <= self.spike_limit_mib {
            check.error("'spike_limit_mib' must be smaller than 'limit_mib'");
        }
        if self.limit_percentage > 0 && self.limit_percentage <= self.spike_limit_percentage {
            check.error("'spike_limit_percentage' must be smaller than 'limit_percentage'");
        }
    }

    /// What the Go collector requires of keys that have no effect here.
    fn check_collection(&self, check: &mut Check) {
        let (min_soft, min_hard) =
            (self.min_gc_interval_when_soft_limited, self.min_gc_interval_when_hard_limited);
        let (max_soft, max_hard) =
            (self.max_gc_interval_when_soft_limited, self.max_gc_interval_when_hard_limited);
        if min_soft < min_hard {
            check.error(
                "'min_gc_interval_when_soft_limited' should be larger than 'min_gc_interval_when_hard_limited'",
            );
        }
        for (level, min, max) in [("soft", min_soft, max_soft), ("hard", min_hard, max_hard)] {
            if max.is_negative() {
                check.error(format!("'max_gc_interval_when_{level}_limited' must be non-negative"));
            } else if !max.is_zero() && max < min {
                check.error(format!(
                    "'max_gc_interval_when_{level}_limited' must be greater than or equal to 'min_gc_interval_when_{level}_limited' (or 0 to disable)"
                ));
            }
        }
        if max_soft > Duration::ZERO && max_hard > Duration::ZERO && max_soft < max_hard {
            check.error(
                "'max_gc_interval_when_soft_limited' should be larger than or equal to 'max_gc_interval_when_hard_limited' (when both are set)",
            );
        }
    }
}

impl Validate for Config {
    fn validate(&self, check: &mut Check) {
        if self.check_interval <= Duration::ZERO {
            check.error_with_help(
                "'check_interval' must be greater than zero",
                "write check_interval: 1s, which is what is recommended",
            );
        }
        self.check_limits(check);
        self.check_fairness(check);
        self.check_collection(check);
    }
}

/// Whether the name of a header field may have it: `tchar` of RFC 9110 section 5.6.2.
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
