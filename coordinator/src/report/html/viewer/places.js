// Regions at their rough places: left, right, up and down, in a hundred by ninety.
const PLACES = {
  "us-east-1": [27, 40], "us-east-2": [24, 37], "us-west-1": [12, 41], "us-west-2": [13, 34], "ca-central-1": [29, 31], "ca-west-1": [17, 28],
  "mx-central-1": [20, 54], "sa-east-1": [36, 76], "eu-west-1": [44, 28], "eu-west-2": [47, 29], "eu-west-3": [48, 33], "eu-central-1": [51, 30],
  "eu-central-2": [50, 34], "eu-north-1": [53, 21], "eu-south-1": [51, 37], "eu-south-2": [45, 39], "af-south-1": [54, 82], "me-south-1": [63, 49],
  "me-central-1": [65, 51], "il-central-1": [58, 43], "ap-south-1": [71, 53], "ap-south-2": [73, 56], "ap-southeast-1": [79, 63], "ap-southeast-2": [92, 82],
  "ap-southeast-3": [80, 69], "ap-southeast-4": [90, 86], "ap-southeast-5": [78, 61], "ap-southeast-7": [78, 56], "ap-northeast-1": [90, 40],
  "ap-northeast-2": [86, 39], "ap-northeast-3": [88, 42], "ap-east-1": [83, 50], "ap-east-2": [85, 48],
};
