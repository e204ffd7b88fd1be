//! Limits of this machine: when they are reached, the endpoint is not at fault.

use std::io;

use rustix::io::Errno;

/// Descriptors, local ports, memory for sockets, or a rule of this machine's firewall.
const LIMITS: [Errno; 7] =
    [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL, Errno::PERM, Errno::ACCESS];

/// Whether this machine allows no more connections.
pub(super) fn is_own_limit(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    code.is_some_and(|code| LIMITS.iter().any(|limit| limit.raw_os_error() == code))
}
