import protobuf from "protobufjs";

/** As much of ONNX's schema (onnx.proto3 of the ONNX project, IR version 8) as graphs of float32 tensors need. */
const EXCERPT = `
  syntax = "proto3";
  package onnx;
  message AttributeProto { string name = 1; float f = 2; int64 i = 3; repeated int64 ints = 8; int32 type = 20; }
  message NodeProto { repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4; repeated AttributeProto attribute = 5; }
  message TensorProto { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
  message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
  message TensorShapeProto { repeated Dimension dim = 1; }
  message TensorTypeProto { int32 elem_type = 1; TensorShapeProto shape = 2; }
  message TypeProto { TensorTypeProto tensor_type = 1; }
  message ValueInfoProto { string name = 1; TypeProto type = 2; }
  message GraphProto {
    repeated NodeProto node = 1; string name = 2; repeated TensorProto initializer = 5; string doc_string = 10;
    repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12;
  }
  message OperatorSetIdProto { string domain = 1; int64 version = 2; }
  message ModelProto { int64 ir_version = 1; string producer_name = 2; GraphProto graph = 7; repeated OperatorSetIdProto opset_import = 8; }
`;

export const MODEL_PROTO = protobuf.parse(EXCERPT, { keepCase: true }).root.lookupType("onnx.ModelProto");

export const DATA_TYPE = { float32: 1, int64: 7, bool: 9 } as const;
export const ATTRIBUTE_TYPE = { float: 1, int: 2, ints: 7 } as const;
