// Package openmetrics writes metrics in the text format of OpenMetrics 1.0, which
// Prometheus and others read. It knows the format and nothing of containers.
package openmetrics
