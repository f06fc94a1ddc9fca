// Package storetest gives tests a real redis-server that can be killed, stopped and restarted, a network to it that can
// be cut, and a store on it.
//
//	store ──▶ Proxy (cut, delay, black hole) ──▶ Redis (Kill, Stop, Cont, Restart) ──▶ a folder of the test
//
// A master with replicas and sentinels, or a cluster, stands behind networks that can be partitioned: [StartSentinels],
// [StartCluster].
//
// The promise kept here: a server never outlives its test, however that ends. Start from [Start], [Open], [NewProxy].
package storetest
