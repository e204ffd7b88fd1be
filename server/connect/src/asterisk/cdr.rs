//! Call records of Asterisk (CDR) in `Master.csv`, folded to one per call.
